"""Providers of secrets that Shipway only reads."""
