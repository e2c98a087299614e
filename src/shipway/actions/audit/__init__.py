"""The audit: record what is done from its beginning to its end, and read and verify it."""
