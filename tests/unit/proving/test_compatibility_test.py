"""Schema-mismatch errors in a database server's log, as reasons of a compatibility test."""

from __future__ import annotations

import pytest

from shipway.domain.server_log import Mismatch, ServerLog
from shipway.proving.compatibility_test import on_own_schema, schema_mismatches
from shipway.proving.sandbox_environment import Failed


def test_each_mismatch_is_named_once_with_its_statement() -> None:
    missing = Mismatch("42703", 'column "name" does not exist', "SELECT name\n  FROM items")
    other = Mismatch("42P01", 'relation "items" does not exist')
    assert schema_mismatches(ServerLog(mismatches=(missing, other, missing))) == [
        'the database reported 42703: column "name" does not exist; statement: SELECT name FROM items',
        'the database reported 42P01: relation "items" does not exist',
    ]


def test_a_long_log_is_cut_and_says_so() -> None:
    log = ServerLog(mismatches=tuple(Mismatch("22P02", f"invalid input syntax: {number}") for number in range(9)))
    assert schema_mismatches(log)[-2:] == [
        "the database reported 22P02: invalid input syntax: 4",
        "and 4 more such errors",
    ]


def used(*reasons: str) -> tuple[str, ...]:
    """Notes about code whose uses on its own schema fail for these reasons, one after the other, and then work."""
    left = list(reasons)

    def use() -> None:
        if left:
            raise Failed(left.pop(0))

    return on_own_schema(use, "new code")


def test_code_that_works_when_it_is_used_again_prepares_a_test_and_that_is_noted() -> None:
    assert used() == ()
    assert used("not healthy within 3 s") == (
        "the new code failed once on its own schema, and worked when that was repeated: not healthy within 3 s",
    )


def test_code_that_fails_twice_does_not_work_on_its_own_schema() -> None:
    with pytest.raises(Failed, match="the new code does not work on its own schema: read list exited with 1") as caught:
        used("not healthy within 3 s", "read list exited with 1")
    assert "not healthy within 3 s" in str(caught.value.__cause__)
