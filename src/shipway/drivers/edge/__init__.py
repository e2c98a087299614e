"""Edges: the reverse proxy of a host."""
