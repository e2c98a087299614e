"""Thin wrappers of the machine: processes, git, HTTP, redaction, durations."""
