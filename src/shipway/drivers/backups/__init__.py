"""Stores of backups."""
