"""The release server: takes pushes, works on the queue, and shows what runs where."""
