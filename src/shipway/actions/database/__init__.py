"""Migrate, revert, dump and swap an environment's database."""
