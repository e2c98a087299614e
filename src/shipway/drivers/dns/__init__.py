"""Providers of DNS zones."""
