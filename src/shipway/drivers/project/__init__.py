"""Sources of an app's plan and commits."""
