"""Thin wrappers around the operating system: processes, git, HTTP, redaction, durations."""
