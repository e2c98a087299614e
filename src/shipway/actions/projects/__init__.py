"""Register a project, read the rules in force, and record approvals."""
