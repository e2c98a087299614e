"""Remedies for messages of PostgreSQL, and its notices."""

from __future__ import annotations

import pytest

from shipway.drivers.scratch.postgres_hints import hints, notices, skipped


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        ('ERROR:  extension "postgis" is not available', "lacks the extension"),
        ("permission denied to create role", "connect as a superuser"),
        ("CREATE INDEX CONCURRENTLY cannot run inside a transaction block", "`-- shipway: no-transaction`"),
        ('unsafe use of new value "lost" of enum type state', "only after it is committed"),
        (
            "the up migration failed: it timed out and was interrupted (waiting for a lock: ALTER TABLE a)",
            "another session",
        ),
        ('role "reader" already exists', "roles belong to the whole server"),
        ("syntax error at or near", None),
    ],
)
def test_remedies(message: str, remedy: str | None) -> None:
    found = hints(message)
    assert len(found) == (0 if remedy is None else 1)
    assert all(remedy in text for text in found if remedy)


def test_notices_in_the_output_of_a_tool() -> None:
    lines = ["psql:1.sql:3: NOTICE:  column was converted", "ALTER TABLE", 'NOTICE: table "a" does not exist, skipping']
    found = notices(lines)
    assert found == ("column was converted", 'table "a" does not exist, skipping')
    assert [skipped(notice) for notice in found] == [False, True]
