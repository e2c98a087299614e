"""Draft a first plan for a repository from its content."""
