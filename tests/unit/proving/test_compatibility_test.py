"""What a database server's log says of code on a schema that isn't its own."""

from __future__ import annotations

from shipway.proving.compatibility_test import foreign
from shipway.proving.server import entries

LOG = """\
00000 17  LOG:  database system is ready to accept connections
42703 41 shop ERROR:  column "name" does not exist at character 8
23505 42 shop ERROR:  duplicate key value violates unique constraint "items_pkey"
42703 41 shop STATEMENT:  SELECT name
\t  FROM items
23505 42 shop STATEMENT:  INSERT INTO items VALUES (1)
42P01 43 other ERROR:  relation "items" does not exist at character 15
42P01 43 other STATEMENT:  SELECT * FROM items
42703 41 shop ERROR:  column "name" does not exist at character 8
42703 41 shop STATEMENT:  SELECT name FROM items
00000 44 shop NOTICE:  table "old" does not exist, skipping
""".splitlines()


def test_lines_of_the_log_are_told_apart_by_their_database() -> None:
    found = entries(LOG, "shop")
    assert [(item.state, item.session, item.level) for item in found] == [
        ("42703", 41, "ERROR"), ("23505", 42, "ERROR"), ("42703", 41, "STATEMENT"), ("23505", 42, "STATEMENT"),
        ("42703", 41, "ERROR"), ("42703", 41, "STATEMENT"), ("00000", 44, "NOTICE"),
    ]  # fmt: skip
    assert found[2].text == "SELECT name\n  FROM items"
    assert [item.text for item in entries(LOG, "nobody")] == []


def test_only_what_a_foreign_schema_causes_counts_and_each_once_with_its_statement() -> None:
    assert foreign(entries(LOG, "shop")) == [
        'the database said 42703: column "name" does not exist at character 8 to: SELECT name FROM items'
    ]


def test_a_long_log_is_cut_and_says_so() -> None:
    log = [f"22P02 {number} shop ERROR:  invalid input syntax: {number}" for number in range(9)]
    assert foreign(entries(log, "shop"))[-2:] == [
        "the database said 22P02: invalid input syntax: 4",
        "and 4 more like these",
    ]
