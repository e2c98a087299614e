"""The messages by which migration tools refuse a database with a revision that their image lacks."""

from __future__ import annotations

import re

_REFUSALS = [  # the named group is the revision
    ("Alembic", r"Can't locate revision identified by '(?P<revision>[^']+)'"),
    ("Knex", r"migration directory is corrupt, the following files are missing: (?P<revision>\S+?)(?:,|\s|$)"),
    ("golang-migrate", r"no migration found for version (?P<revision>\d+)"),
    ("Flyway", r"Detected applied migration not resolved locally: (?P<revision>[^\s.]+(?:\.[^\s.]+)*)"),
    ("sqlx", r"migration (?P<revision>\d+) was previously applied but is missing in the resolved migrations"),
]


def unknown_revision(output: str) -> tuple[str, str] | None:
    """The tool and the revision that it refuses, from the output of a container; None if none does."""
    for tool, pattern in _REFUSALS:
        if found := re.search(pattern, output):
            return tool, found["revision"]
    return None
