"""A first plan for a repository, from what is found in it."""
