"""Migration tools: one module a tool."""
