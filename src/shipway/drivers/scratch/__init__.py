"""Database servers on which proofs create databases."""
