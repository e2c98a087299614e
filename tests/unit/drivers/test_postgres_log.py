"""The log of a PostgreSQL server: statements that ran, and schema-mismatch errors."""

from __future__ import annotations

import pytest

from shipway.domain.server_log import Mismatch, ServerLog
from shipway.drivers.server.postgres_log import read

ERRORS = """\
00000 17   LOG:  database system is ready to accept connections
42703 41 shop 172.20.0.9 ERROR:  column "name" does not exist at character 8
23505 42 shop 172.20.0.9 ERROR:  duplicate key value violates unique constraint "items_pkey"
42703 41 shop 172.20.0.9 STATEMENT:  SELECT name
\t  FROM items
23505 42 shop 172.20.0.9 STATEMENT:  INSERT INTO items VALUES (1)
42P01 43 other 172.20.0.9 ERROR:  relation "items" does not exist at character 15
42P01 43 other 172.20.0.9 STATEMENT:  SELECT * FROM items
22P02 41 shop [local] FATAL:  invalid input syntax
00000 44 shop 172.20.0.9 NOTICE:  table "old" does not exist, skipping
""".splitlines()
UP = [
    "00000 71 other 172.20.0.9 LOG:  statement: DROP TABLE unknown",
    "00000 70 shop 172.20.0.9 NOTICE:  relation exists, skipping",
    "00000 70 shop 172.20.0.9 LOG:  statement: -- a table that is there",
    "\tALTER TABLE people ADD COLUMN age int, -- in years",
    "\t  ADD COLUMN born date -- or not;",
    "00000 70 shop 172.20.0.9 LOG:  execute _pg3_0: CREATE INDEX people_age ON people (age);",
    "00000 70 shop 172.20.0.9 LOG:  statement: CREATE TABLE towns (name text); CREATE INDEX towns_name ON towns (name)",
    "42P01 70 shop 172.20.0.9 ERROR:  relation is missing",
]


def test_only_schema_mismatches_count_each_with_its_statement() -> None:
    assert read(ERRORS, "shop").mismatches == (
        Mismatch("42703", 'column "name" does not exist at character 8', "SELECT name\n  FROM items", "172.20.0.9"),
        Mismatch("22P02", "invalid input syntax"),
    )
    assert read(ERRORS, "unknown") == ServerLog()


def test_statements_of_one_database() -> None:
    alter, index, both = read(UP, "shop").statements
    assert alter.splitlines() == [
        "-- a table that is there",
        "ALTER TABLE people ADD COLUMN age int, -- in years",
        "  ADD COLUMN born date -- or not;",
    ]
    assert index == "CREATE INDEX people_age ON people (age);"
    assert both.startswith("CREATE TABLE towns")


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("UPDATE pets SET name = upper(name)", ["pets"]),
        ('-- all of them\nupdate only public."Odd pets" SET age = 1;', ['public."Odd pets"']),
        (
            "ALTER TABLE pets ADD age int; DELETE FROM pets WHERE name IS NULL; TRUNCATE TABLE owners",
            ["pets", "owners"],
        ),
        ("WITH old AS (SELECT 1) UPDATE pets SET age = 2", ["pets"]),
        ("/* UPDATE pets */ MERGE INTO pets USING owners ON true WHEN MATCHED THEN DELETE", ["pets"]),
        (
            "UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001'",
            ["alembic_version"],
        ),
        ("INSERT INTO pets VALUES (1)", []),
        ("ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES owners ON UPDATE CASCADE", []),
        ("CREATE TRIGGER t BEFORE UPDATE ON pets EXECUTE FUNCTION f()", []),
    ],
)
def test_whose_rows_change(statement: str, tables: list[str]) -> None:
    log = f"00000 70 shop 172.20.0.9 LOG:  statement: {statement}".replace("\n", "\n\t").splitlines()
    assert read(log, "shop") == ServerLog((statement,), tuple(tables))
