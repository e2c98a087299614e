"""Statements that lock a table for a time that grows with its rows."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import Catalog, Entry
from shipway.domain.server_log import TableSize
from shipway.drivers.server.postgres_growth import costly, sizes

CHECKED = Entry("constraint", "public.pets.has_age", {"on": "public.pets", "definition": "CHECK ((age IS NOT NULL))"})
TABLES = [Entry("table", name) for name in ("public.pets", "shop.items", 'public."Odd, name"')]


def catalog(*more: Entry) -> Catalog:
    return Catalog({(entry.kind, entry.name): entry for entry in (*TABLES, *more)})


@pytest.mark.parametrize(("statement", "rewrites", "found"), [
    ("ALTER TABLE pets ADD COLUMN id uuid DEFAULT gen_random_uuid()", ["public.pets"], [("public.pets", "rewrite", "ACCESS EXCLUSIVE")]),
    ("ALTER TABLE pets ADD COLUMN age int DEFAULT 0", [], []),
    ("ALTER TABLE ONLY public.pets ALTER age SET DATA TYPE bigint, ADD b int", ["public.pets"], [("public.pets", "rewrite", "ACCESS EXCLUSIVE")]),
    ("ALTER TABLE pets ALTER COLUMN name TYPE text", [], []),
    ("ALTER TABLE pets SET UNLOGGED", ["public.pets"], [("public.pets", "rewrite", "ACCESS EXCLUSIVE")]),
    ("ALTER TABLE pets ALTER COLUMN age SET NOT NULL", [], [("public.pets", "scan", "ACCESS EXCLUSIVE")]),
    ("ALTER TABLE pets ADD CONSTRAINT one FOREIGN KEY (a) REFERENCES shop.items (id)", [], [("public.pets", "scan", "SHARE ROW EXCLUSIVE")]),
    ("ALTER TABLE pets ADD CONSTRAINT one FOREIGN KEY (a) REFERENCES items NOT VALID", [], []),
    ("ALTER TABLE pets ADD CHECK (age > 0), ADD CONSTRAINT b CHECK (age < 90) NOT VALID", [], [("public.pets", "scan", "ACCESS EXCLUSIVE")]),
    ("ALTER TABLE pets ADD CONSTRAINT u UNIQUE (name)", [], [("public.pets", "index", "ACCESS EXCLUSIVE")]),
    ("ALTER TABLE pets ADD CONSTRAINT u UNIQUE USING INDEX pets_name", [], []),
    ("create unique index on Items (a)", [], [("shop.items", "index", "SHARE")]),
    ("CREATE INDEX IF NOT EXISTS i ON shop.items USING gin (a)", [], [("shop.items", "index", "SHARE")]),
    ("CREATE INDEX CONCURRENTLY i ON shop.items (a)", [], []),
    ('CREATE INDEX ON "Odd, name" (a)', [], [('public."Odd, name"', "index", "SHARE")]),
    ("CREATE TABLE fresh (a int); CREATE INDEX ON fresh (a); ALTER TABLE fresh ADD CHECK (a > 0)", [], []),
    ("-- CREATE INDEX ON pets (a);\nUPDATE pets SET name = 'ALTER TABLE pets ADD CHECK (true)'", [], []),
])  # fmt: skip
def test_the_work_and_the_lock(statement: str, rewrites: list[str], found: list[tuple[str, str, str]]) -> None:
    seen = costly([statement], catalog(), rewrites)
    assert [(item.relation, item.work, item.lock) for item in seen] == found
    assert all(item.advice for item in seen)


def test_a_validated_check_saves_the_scan() -> None:
    not_null = "ALTER TABLE pets ALTER age SET NOT NULL"
    check = "ALTER TABLE pets ADD CONSTRAINT has_age CHECK (age IS NOT NULL) NOT VALID"
    validate = "ALTER TABLE pets VALIDATE CONSTRAINT has_age"
    assert costly([not_null], catalog(CHECKED), ()) == ()
    assert costly([check, validate, not_null], catalog(), ()) == ()
    assert [item.statement for item in costly([check, not_null], catalog(), ())] == [not_null]


def test_sizes() -> None:
    output = "WARNING: something\nshipway-table public.pets\t12000\t8192\n"
    assert sizes(output) == {"public.pets": TableSize(12000, 8192)}
