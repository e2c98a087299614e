"""Connections to remote hosts."""
