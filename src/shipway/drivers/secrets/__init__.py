"""Stores of secret values."""
