"""Preparation of bare hosts."""
