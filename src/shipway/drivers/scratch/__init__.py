"""Database servers where proofs make databases of their own."""
