"""What the tools of the field mark in their files: parts, transactions, and what lacks."""

from __future__ import annotations

import pytest

from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.sql_folder import Migration, load

GOOSE = """-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY a ON b (c);
-- +goose StatementBegin
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION f;
"""
DBMATE = """-- migrate:up
CREATE TABLE a (id int);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY a_id;
"""


def read(files: dict[str, str], layout: str | None = None) -> list[Migration]:
    return load("db", {path: text.encode() for path, text in files.items()}, layout)


@pytest.mark.parametrize("layout", ["goose", None])
def test_goose(layout: str | None) -> None:
    (migration,) = read({"00001_make.sql": GOOSE}, layout)
    assert (migration.version, migration.name, migration.up.transaction) == ("00001", "make", False)
    assert migration.down is not None
    assert (migration.down.transaction, migration.down.text.strip()) == (False, "DROP FUNCTION f;")
    assert "DROP FUNCTION" not in migration.up.text
    line = migration.down.text.splitlines().index("DROP FUNCTION f;") + 1
    assert GOOSE.splitlines()[line - 1] == "DROP FUNCTION f;", "errors would name another line"


@pytest.mark.parametrize("layout", ["dbmate", None])
def test_dbmate(layout: str | None) -> None:
    (migration,) = read({"20240102030405_make.sql": DBMATE}, layout)
    assert migration.down is not None
    assert (migration.up.transaction, migration.down.transaction) == (True, False)
    assert migration.up.text.strip() == "CREATE TABLE a (id int);"
    assert not migration.down.empty


def test_parts_that_are_not_there() -> None:
    (goose,) = read({"1_a.sql": "-- +goose up\nSELECT 1;"})
    assert goose.down is None
    (dbmate,) = read({"1_a.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\n\n"})
    assert dbmate.down is not None
    assert dbmate.down.empty


@pytest.mark.parametrize(
    ("layout", "files", "problem"),
    [
        ("goose", {"1_a.sql": "SELECT 1;"}, "1_a.sql has no line `-- +goose Up`"),
        ("dbmate", {"1_a.sql": DBMATE + DBMATE}, "1_a.sql has two sections for up"),
        ("goose", {"1_a.sql": GOOSE, "01_b.sql": GOOSE}, "01_b.sql, 1_a.sql have the same version"),
        ("goose", {"1_a.sql": GOOSE, "2_b.go": "package x", "2_b_test.go": ""}, "2_b.go is written in Go: only SQL is supported"),
        ("golang-migrate", {"1_a.sql": DBMATE}, "1_a.sql doesn't fit the layout of the others"),
        (None, {"1_a.sql": DBMATE, "2_b.up.sql": ""}, "mixed layouts (0001_name.up.sql and 0001_name.sql with `-- migrate:up`)"),
    ],
)  # fmt: skip
def test_a_bad_folder(layout: str | None, files: dict[str, str], problem: str) -> None:
    with pytest.raises(MigrationFailed) as failure:
        read(files, layout)
    assert failure.value.message.splitlines()[1:] == [problem]


@pytest.mark.parametrize(
    ("files", "transaction"),
    [
        ({"1_a/up.sql": "SELECT 1;", "1_a/metadata.toml": "run_in_transaction = false\n"}, False),
        ({"1_a/up.sql": "SELECT 1;", "2_b/metadata.toml": "run_in_transaction = false\n"}, True),
        ({"1_a.up.sql": "CREATE INDEX CONCURRENTLY a ON b (c);"}, False),
        ({"1_a.up.sql": "CREATE INDEX CONCURRENTLY a ON b (c); SELECT 1"}, True),
        ({"1_a.up.sql": "-- CONCURRENTLY\nCREATE INDEX a ON b (c)"}, True),
        ({"V1__a.sql": "CREATE INDEX CONCURRENTLY a ON b (c); SELECT 1"}, False),
        ({"V1__a.sql": "SELECT 1", "V1__a.sql.conf": "executeInTransaction=false"}, False),
    ],
)
def test_what_runs_in_a_transaction(files: dict[str, str], transaction: bool) -> None:
    (migration,) = read(files)
    assert migration.up.transaction is transaction


def test_names_of_diesel_are_ordered_without_their_dashes() -> None:
    found = read({"2024-01-05-101500_b/up.sql": "", "20231231000000_a/up.sql": "", "2024-01-05-101459_c/up.sql": ""})
    assert [item.name for item in found] == ["a", "c", "b"]
