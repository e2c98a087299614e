"""Every day: logs, commands in containers, restarts, scaling."""
