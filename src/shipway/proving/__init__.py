"""Walking a way back: databases that may be broken, and what is found in them."""
