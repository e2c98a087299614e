"""Runtimes: where containers run."""
