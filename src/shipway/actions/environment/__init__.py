"""Shared by all other groups: what runs in an environment, its lock, jobs, accessories and ownership."""
