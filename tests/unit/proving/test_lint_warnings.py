"""What the real squawk says of statements out of a server's log. It needs no database."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.drivers.lint.squawk import Squawk
from shipway.proving.lint_warnings import changed, lint_warnings, statements
from shipway.proving.server import entries

LOG = [
    "00000 71 other LOG:  statement: DROP TABLE nobody",
    "00000 70 shop NOTICE:  relation exists, skipping",
    "00000 70 shop LOG:  statement: -- a table that is there",
    "\tALTER TABLE people ADD COLUMN age int, -- in years",
    "\t  ADD COLUMN born date -- or not;",
    "00000 70 shop LOG:  execute _pg3_0: CREATE INDEX people_age ON people (age);",
    "00000 70 shop LOG:  statement: CREATE TABLE towns (name text); CREATE INDEX towns_name ON towns (name)",
    "42P01 70 shop ERROR:  relation is missing",
]


def test_statements_of_one_database() -> None:
    alter, index, both = statements(entries(LOG, "shop"))
    assert alter.splitlines() == [
        "-- a table that is there",
        "ALTER TABLE people ADD COLUMN age int, -- in years",
        "  ADD COLUMN born date -- or not;",
    ]
    assert index == "CREATE INDEX people_age ON people (age);"
    assert both.startswith("CREATE TABLE towns")


def test_each_remark_names_its_statement() -> None:
    (found,) = lint_warnings(Squawk(), statements(entries(LOG, "shop")))
    assert found.startswith("CREATE INDEX people_age ON people (age);: During normal index creation")


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
        ("UPDATE alembic_version SET version_num='0002' WHERE alembic_version.version_num = '0001'", []),
        ("DELETE FROM public.schema_migrations", []),
        ("INSERT INTO pets VALUES (1)", []),
        ("ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES owners ON UPDATE CASCADE", []),
        ("CREATE TRIGGER t BEFORE UPDATE ON pets EXECUTE FUNCTION f()", []),
    ],
)
def test_whose_rows_change(statement: str, tables: list[str]) -> None:
    assert changed([statement]) == tables


def test_nothing_ran() -> None:
    assert lint_warnings(Squawk(), []) == ()


def test_a_linter_that_fails_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 2\n")
    broken.chmod(0o755)
    assert lint_warnings(Squawk(str(broken)), ["DROP TABLE towns"]) == (
        "squawk failed: no such option: the scripts were not looked at",
    )
