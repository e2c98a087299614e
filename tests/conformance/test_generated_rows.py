"""Generated rows on a real PostgreSQL: what they are, and which tables stay empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.postgres_rows import fill
from shipway.ports import ScratchDatabase
from tests.conformance.scratch_lab import postgres

pytestmark = [pytest.mark.databases, pytest.mark.engine]


@pytest.fixture(scope="module")
def scratch() -> Iterator[PostgresScratch]:
    with postgres() as (_, url):
        yield PostgresScratch(url)


@pytest.fixture
def database(scratch: PostgresScratch) -> Iterator[ScratchDatabase]:
    made = scratch.create()
    yield made
    scratch.drop(made)


def filled(database: ScratchDatabase, schema: str, rows: int = 3) -> dict[str, str]:
    database.execute(schema)
    return dict(fill(database, database.catalog(), rows))


def select(database: ScratchDatabase, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute(statement.encode()).fetchall()


def test_values_show_losses(database: ScratchDatabase) -> None:
    assert (
        filled(
            database,
            "CREATE TABLE a (id int PRIMARY KEY, t text NOT NULL, n numeric(8,2) NOT NULL, at timestamptz NOT NULL, b text)",
        )
        == {}
    )
    texts = [text for (text,) in select(database, "SELECT t FROM a")]
    assert any(text.startswith("00") for text in texts)  # an integer would lose it
    assert any(text != text.lower() for text in texts)
    assert any(text.endswith(" ") for text in texts)
    assert any(not text.isascii() for text in texts)
    assert select(
        database,
        "SELECT count(*), min(n) < 0, bool_or(n <> trunc(n)), bool_or(at <> date_trunc('second', at)), count(b) FROM a",
    ) == [(3, True, True, True, 2)]


TYPES = [
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(3,3)",
    "numeric(2)",
    "real",
    "float8",
    "money",
    "boolean",
    "date",
    "time",
    "timetz",
    "timestamp(0)",
    "timestamptz",
    "interval",
    "uuid",
    "json",
    "jsonb",
    "bytea",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "xml",
    "tsvector",
    "tsquery",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "pg_lsn",
    "bit(3)",
    "varbit(4)",
    "varbit",
    "char",
    "char(2)",
    "varchar(1)",
    "varchar",
    "text",
    "name",
    "int4range",
    "int8range",
    "numrange",
    "daterange",
    "tsrange",
    "tstzrange",
    "text[]",
    "varchar(3)[]",
    "int[][]",
    "mood",
    "mood[]",
    "percent",
    "label",
    "address",
    "address[]",
    "citext",
    "ltree",
]


def test_every_type_gets_values(database: ScratchDatabase) -> None:
    columns = ", ".join(f"c{at} {type_} NOT NULL" for at, type_ in enumerate(TYPES))
    left = filled(
        database,
        f"""
        CREATE EXTENSION citext; CREATE EXTENSION ltree;
        CREATE TYPE mood AS ENUM ('it''s good', 'bad, very'); CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 10 AND 20) NOT NULL;
        CREATE DOMAIN label AS varchar(20) CHECK (VALUE ~ '^[a-z]+-[a-z]+-\\d+$');
        CREATE TYPE address AS (street varchar(10), zip int, "the mood" mood);
        CREATE TABLE a (id serial PRIMARY KEY, {columns})
        """,
    )
    assert left == {}
    assert select(database, "SELECT count(*) FROM a") == [(3,)]


def test_foreign_keys_decide_the_order(database: ScratchDatabase) -> None:
    left = filled(
        database,
        """
        CREATE TABLE z (id int PRIMARY KEY);
        CREATE TABLE y (a text, b int REFERENCES z, PRIMARY KEY (a, b));
        CREATE TABLE "a b" (id serial PRIMARY KEY, ya text NOT NULL, yb int NOT NULL, FOREIGN KEY (ya, yb) REFERENCES y (a, b));
        CREATE TABLE trees (id int PRIMARY KEY, parent int NOT NULL REFERENCES trees, twin int UNIQUE REFERENCES trees);
        CREATE TABLE hens (id int PRIMARY KEY, egg int);
        CREATE TABLE eggs (id int PRIMARY KEY, hen int NOT NULL REFERENCES hens);
        ALTER TABLE hens ADD FOREIGN KEY (egg) REFERENCES eggs;
        """,
    )
    assert left == {}
    assert select(
        database, 'SELECT (SELECT count(*) FROM z), (SELECT count(*) FROM y), (SELECT count(*) FROM "a b")'
    ) == [(3, 3, 3)]
    assert select(
        database, "SELECT (SELECT count(*) FROM trees), (SELECT count(*) FROM hens), (SELECT count(*) FROM eggs)"
    ) == [(3, 3, 3)]


def test_checks_are_satisfied(database: ScratchDatabase) -> None:
    left = filled(
        database,
        """
        CREATE TABLE a (
          state text NOT NULL CHECK (state IN ('on', 'off')), percent int NOT NULL CHECK (percent > 0 AND percent <= 5),
          email varchar(80) NOT NULL CHECK (email LIKE '%@%'), code text NOT NULL UNIQUE CHECK (length(code) = 5),
          begins date NOT NULL, ends date NOT NULL, CHECK (begins < ends), rate numeric(4,3) NOT NULL CHECK (rate < 0.5),
          one int, two int, CONSTRAINT either CHECK ((one IS NULL) <> (two IS NULL)),
          "Odd Name" int NOT NULL CHECK ("Odd Name" > 1000000)
        );
        """,
    )
    assert left == {}
    assert select(database, "SELECT count(*) > 0 FROM a") == [(True,)]


def test_what_can_not_be_filled_is_named(database: ScratchDatabase) -> None:
    left = filled(
        database,
        """
        CREATE TABLE a (id int PRIMARY KEY, v text NOT NULL CHECK (md5(v) = 'no text has this one'));
        CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not by hand'; END $$;
        CREATE TABLE c (id int); CREATE TRIGGER t BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION refuse();
        CREATE TABLE d (id int);
        """,
    )
    assert left.keys() == {"public.a", "public.b", "public.c"}
    assert left["public.a"] == "no value satisfies its checks"
    assert "null value in column" in left["public.b"]
    assert left["public.c"] == "not by hand"
    assert select(database, "SELECT count(*) FROM d") == [(3,)]


def test_partitions_heirs_and_what_has_rows(database: ScratchDatabase) -> None:
    left = filled(
        database,
        """
        CREATE TABLE r (at date NOT NULL, kind text) PARTITION BY RANGE (at);
        CREATE TABLE r1 PARTITION OF r FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
        CREATE TABLE l (kind text NOT NULL, n int) PARTITION BY LIST (kind);
        CREATE TABLE l1 PARTITION OF l FOR VALUES IN ('new', 'old');
        CREATE TABLE h (id int) PARTITION BY HASH (id);
        CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE parent (id int); CREATE TABLE child (more text) INHERITS (parent);
        CREATE TABLE kept (id int); INSERT INTO kept VALUES (99);
        CREATE TABLE empty ();
        CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (3) STORED);
        """,
    )
    assert left == {}
    assert select(database, "SELECT id FROM kept") == [(99,)]
    counts = [
        select(database, f"SELECT count(*) FROM {table}")[0][0]
        for table in ("r", "l", "h", "ONLY parent", "child", "counted")
    ]
    assert all(number >= 1 for number in counts), counts


def test_as_many_rows_as_asked_for(database: ScratchDatabase) -> None:
    left = filled(
        database,
        "CREATE TABLE a (id int PRIMARY KEY, t varchar(9) UNIQUE, at date UNIQUE, u uuid UNIQUE, b boolean)",
        rows=50,
    )
    assert left == {}
    assert select(database, "SELECT count(*) FROM a") == [(50,)]


def test_gentle_rows_pass_where_the_others_do_not(database: ScratchDatabase) -> None:
    """Leading zeros all the same."""
    database.execute("CREATE TABLE a (id int PRIMARY KEY, zip text)")
    assert fill(database, database.catalog(), gentle=True) == {}
    assert select(database, "SELECT zip FROM a ORDER BY zip::int") == [("007",), ("10",), ("2915",)]
