"""The ways to hosts that are not this machine."""
