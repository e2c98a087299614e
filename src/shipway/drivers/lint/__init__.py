"""What is said about scripts without running them: one module a linter."""
