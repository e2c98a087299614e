"""Platforms that run releases."""
