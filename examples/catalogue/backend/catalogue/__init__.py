"""A public catalogue of categories and items, with an admin area and a background worker."""
