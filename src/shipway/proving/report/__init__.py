"""What a proof says, as text: pure functions from a proof to lines, a page, JSON and JUnit XML."""
