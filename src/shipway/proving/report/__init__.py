"""Reports of a proof: pure functions from a proof to lines of text, an HTML page, JSON and JUnit XML."""
