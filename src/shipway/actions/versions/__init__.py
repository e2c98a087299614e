"""Versions: what a new one brings, its changelog entry, and its tag."""
