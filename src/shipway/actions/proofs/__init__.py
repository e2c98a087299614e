"""Prove a release's rollback path before it is needed, and decide by which path to roll back."""
