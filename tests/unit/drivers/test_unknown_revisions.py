"""Migration tools that refuse a newer database, by what they print."""

from __future__ import annotations

import pytest

from shipway.drivers.unknown_revisions import unknown_revision

KNEX = "Error: The migration directory is corrupt, the following files are missing: 20240101_pets.js, 20240102_age.js"
FLYWAY = (
    "ERROR: Validate failed: Migrations have failed validation\nDetected applied migration not resolved locally: 2.1."
)


@pytest.mark.parametrize(("output", "found"), [
    ("INFO  [alembic]\nFAILED: Can't locate revision identified by '1a2b'", ("Alembic", "1a2b")),
    (KNEX, ("Knex", "20240101_pets.js")),
    ("error: no migration found for version 3: read down for version 3 .: file does not exist", ("golang-migrate", "3")),
    (FLYWAY, ("Flyway", "2.1")),
    ("Error: migration 2024 was previously applied but is missing in the resolved migrations", ("sqlx", "2024")),
    ("connection refused", None),
    ("", None),
])  # fmt: skip
def test_the_tool_and_the_revision(output: str, found: tuple[str, str] | None) -> None:
    assert unknown_revision(output) == found
