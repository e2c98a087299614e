"""Schema-mismatch errors in a database server's log, as reasons of a compatibility test."""

from __future__ import annotations

from shipway.domain.server_log import Mismatch, ServerLog
from shipway.proving.compatibility_test import schema_mismatches


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
