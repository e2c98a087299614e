"""Run an app from a working tree on a developer's machine."""
