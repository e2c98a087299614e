"""Rollback proofs: run migrations in disposable databases and compare the results."""
