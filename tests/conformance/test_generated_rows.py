"""Generated rows on a real PostgreSQL: what they are, and which tables stay empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest

from shipway.domain.catalog import Catalog
from shipway.domain.proof import ROWS
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.postgres_rows import fill
from shipway.ports import Rejected, ScratchDatabase
from shipway.proving.round_trip import MigrationRange
from shipway.proving.verify import UNSEEN, verify
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
    assert left["public.a"].startswith("no value satisfies its checks")
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


def test_rows_after_rejected_ones_show_losses_too(database: ScratchDatabase) -> None:
    """Leading zeros all the same."""
    database.execute("CREATE TABLE a (id int PRIMARY KEY, zip text)")
    rejected = Rejected((), ['invalid input syntax for type integer: "mIxed CASE"'])
    assert fill(database, database.catalog(), rejected=rejected) == {}
    assert select(database, "SELECT zip FROM a ORDER BY zip::int") == [("007",), ("10",), (None,)]


# Up migrations that need rows of a certain shape: the schema before, and up.
CONVERSIONS = {
    "text to jsonb": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE jsonb USING v::jsonb"),
    "text to integer": ("a (id int PRIMARY KEY, v varchar(40) NOT NULL)", "ALTER TABLE a ALTER v TYPE integer USING v::integer"),
    "text to numeric": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE numeric(10,2) USING v::numeric(10,2)"),
    "text to date": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE date USING v::date"),
    "text to timestamptz": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE timestamptz USING v::timestamptz"),
    "text to uuid": ("a (id int PRIMARY KEY, v text UNIQUE)", "ALTER TABLE a ALTER v TYPE uuid USING v::uuid"),
    "text to boolean": ("a (id int PRIMARY KEY, v text DEFAULT 'no')", "ALTER TABLE a ALTER v DROP DEFAULT, ALTER v TYPE boolean USING v::boolean"),
    "text to a new enum": ("a (id int PRIMARY KEY, v text)", "CREATE TYPE mood AS ENUM ('new', 'it''s Paid'); ALTER TABLE a ALTER v TYPE mood USING v::mood"),
    "text to a new domain": ("a (id int PRIMARY KEY, v text)", "CREATE DOMAIN code AS text CHECK (VALUE ~ '^[a-z]+$'); ALTER TABLE a ALTER v TYPE code"),
    "text to an array": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE text[] USING v::text[]"),
    "text to inet": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE inet USING v::inet"),
    "text to interval": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE interval USING v::interval"),
    "a shorter varchar": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE varchar(5)"),
    "a smaller integer": ("a (id int PRIMARY KEY, v bigint)", "ALTER TABLE a ALTER v TYPE smallint"),
    "a smaller numeric": ("a (id int PRIMARY KEY, v numeric)", "ALTER TABLE a ALTER v TYPE numeric(5,2)"),
    "two columns of other types": (
        "a (id int PRIMARY KEY, v text, w text, x text)",
        "ALTER TABLE a ALTER v TYPE integer USING v::integer, ALTER w TYPE jsonb USING w::jsonb, ALTER x TYPE date USING x::date",
    ),
    "a new column from a cast": (
        "a (id int PRIMARY KEY, v text, note text)",
        "ALTER TABLE a ADD data jsonb; UPDATE a SET data = v::jsonb; ALTER TABLE a DROP v",
    ),
    "a new column for each of two": (
        "a (id int PRIMARY KEY, v text, w text, note text)",
        "ALTER TABLE a ADD n integer, ADD d date; UPDATE a SET n = v::integer, d = w::date; ALTER TABLE a DROP v, DROP w",
    ),
    "a key of a JSON text": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ADD k text; UPDATE a SET k = v::json->>'a'"),
    "elements of a JSON array": (
        "a (id int PRIMARY KEY, v jsonb NOT NULL)",
        "CREATE TABLE b AS SELECT id, jsonb_array_elements(v) AS item FROM a; ALTER TABLE a DROP v",
    ),
    "keys of a JSON object": ("a (id int PRIMARY KEY, v jsonb NOT NULL)", "CREATE TABLE b AS SELECT id, jsonb_object_keys(v) AS k FROM a"),
    "to_date with points": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE date USING to_date(v, 'DD.MM.YYYY')"),
    "to_timestamp": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ADD t timestamptz; UPDATE a SET t = to_timestamp(v, 'YYYY-MM-DD HH24:MI:SS')"),
    "a part of a text as a number": (
        "a (id int PRIMARY KEY, v text NOT NULL)",
        "ALTER TABLE a ADD n integer; UPDATE a SET n = split_part(v, '-', 2)::integer; ALTER TABLE a ALTER n SET NOT NULL",
    ),
    "a check with a regular expression": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ADD CONSTRAINT c CHECK (v ~ '^https?://')"),
    "a check of an e-mail address": ("a (id int PRIMARY KEY, v text NOT NULL)", "ALTER TABLE a ADD CHECK (v ~* '^[a-z0-9._%+-]+@[a-z0-9.-]+\\.[a-z]{2,}$')"),
    "a check of a slug": ("a (id int PRIMARY KEY, v text NOT NULL)", "ALTER TABLE a ADD CHECK (v ~ '^[a-z0-9]+(-[a-z0-9]+)*$')"),
    "a check of a list": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ADD CHECK (v IN ('draft', 'sent'))"),
    "a check of a number": ("a (id int PRIMARY KEY, v int)", "ALTER TABLE a ADD CHECK (v BETWEEN 1 AND 5)"),
    "a check of two columns": ("a (id int PRIMARY KEY, v date, w date)", "ALTER TABLE a ADD CHECK (v < w)"),
    "a check of a converted column": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE integer USING v::integer; ALTER TABLE a ADD CHECK (v > 0)"),
    "not null": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v SET NOT NULL"),
    "not null after a backfill that misses some": (
        "a (id int PRIMARY KEY, v int, w int)",
        "ALTER TABLE a ADD x int; UPDATE a SET x = v + w; ALTER TABLE a ALTER x SET NOT NULL; ALTER TABLE a DROP v, DROP w",
    ),
    "unique": ("a (id int PRIMARY KEY, v boolean NOT NULL)", "ALTER TABLE a ADD CONSTRAINT u UNIQUE (v)"),
    "a unique index": ("b (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, v boolean, w text)", "CREATE UNIQUE INDEX u ON a ((v IS NULL))"),
    "a foreign key": ("b (id int PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, v int)", "ALTER TABLE a ADD FOREIGN KEY (v) REFERENCES b"),
    "a foreign key to a type that is converted": (
        "b (id text PRIMARY KEY); CREATE TABLE a (id int PRIMARY KEY, v text REFERENCES b)",
        "ALTER TABLE a DROP CONSTRAINT a_v_fkey; ALTER TABLE b ALTER id TYPE uuid USING id::uuid; ALTER TABLE a ALTER v TYPE uuid USING v::uuid",
    ),
    "hexadecimal digits": ("a (id int PRIMARY KEY, v text)", "ALTER TABLE a ALTER v TYPE bytea USING decode(v, 'hex')"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSIONS)
def test_rows_have_the_shape_that_the_up_migration_needs(scratch: PostgresScratch, name: str) -> None:
    """It is verified with generated rows."""
    schema, up = CONVERSIONS[name]
    folder = [
        Migration("1", "before", SqlFile("1.up.sql", "SELECT 1"), None),
        Migration("2", "change", SqlFile("2.up.sql", up), SqlFile("2.down.sql", "SELECT 1")),
    ]
    template, empty = scratch.create(), [{"": ""}]

    def recorded(database: ScratchDatabase, catalog: Catalog, *, rejected: Rejected | None = None) -> Mapping[str, str]:
        empty.append(dict(scratch.fill(database, catalog, rejected=rejected)))
        return empty[-1]

    try:
        template.execute(f"CREATE TABLE {schema}")
        report = verify(
            scratch, template, lambda database: BareFolder(database, folder, "1"), mode=ROWS, timeout=60.0,
            span=MigrationRange("1", ("2",)), watched=False, fill=recorded,
        )  # fmt: skip
    finally:
        scratch.drop(template)
    assert not any(UNSEEN in warning for warning in report.warnings), report.warnings
    assert empty[-1] == {}
