"""Images on an engine: build, push, pull."""
