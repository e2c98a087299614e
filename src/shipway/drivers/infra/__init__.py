"""Tools that make infrastructure."""
