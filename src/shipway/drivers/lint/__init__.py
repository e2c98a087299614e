"""Static analysis of scripts: one module per linter."""
