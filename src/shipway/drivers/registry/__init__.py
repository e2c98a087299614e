"""Registries: where images are stored."""
