"""Migration tools: one module each."""
