"""From nothing to an open environment: the checklist, the full system test, and the opening."""
