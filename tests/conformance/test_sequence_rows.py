"""Sequences of migrations on a real server: what later migrations do to the rows of earlier ones is seen in whatever order, and
what differs each time hides nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from shipway.domain.proof import DATA_LOST, FAILS, NOT_RESTORED, RESTORED
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.row_changes import changed_tables
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.proving.sequence import SequenceReport, verify_sequence
from tests.conformance.scratch_lab import postgres

pytestmark = [pytest.mark.databases, pytest.mark.engine]
SEED = ("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, '1.5'), (2, 'x')", "DROP TABLE t")
MORE = ("CREATE TABLE more (id int)", "DROP TABLE more")
EMPTY = ("CREATE TABLE t (id int PRIMARY KEY, name text)", "DROP TABLE t")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as (_, found):
        yield found


def proved(url: str, *scripts: tuple[str, str], rows: bool = False) -> SequenceReport:
    folder = [
        Migration(f"{number:02}", "x", SqlFile(f"{number:02}.up.sql", up), SqlFile(f"{number:02}.down.sql", down))
        for number, (up, down) in enumerate(scripts, 1)
    ]
    texts = {item.version: item.up.text for item in folder}
    scratch = PostgresScratch(url)
    return verify_sequence(
        scratch, lambda database, at: BareFolder(database, folder, at), list(texts), lambda report: None,
        lambda line: None, timeout=60.0, fill=scratch.fill if rows else None, changed=lambda at: changed_tables(texts[at]),
    )  # fmt: skip


def verdicts(done: SequenceReport) -> list[str]:
    return [report.verdict for report in done.reports]


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("ALTER TABLE t DROP COLUMN v", "ALTER TABLE t ADD COLUMN v text"),
        ("TRUNCATE t; CREATE TABLE o (i int)", "DROP TABLE o"),
        ("DELETE FROM t; CREATE TABLE o (i int)", "DROP TABLE o; INSERT INTO t VALUES (1, 'other'), (2, 'rows')"),
        ("DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (3, 'a'), (4, 'b')"),
    ],
    ids=["dropped column", "truncated", "replaced rows", "recreated table"],
)
def test_rows_of_earlier_migrations(url: str, up: str, down: str) -> None:
    assert verdicts(proved(url, SEED, MORE, (up, down))) == [RESTORED, RESTORED, DATA_LOST]


def test_values_of_an_attribute(url: str) -> None:
    seed = (
        "CREATE TYPE addr AS (street text, zip text); CREATE TABLE t (id int PRIMARY KEY, a addr[]);"
        "INSERT INTO t VALUES (1, ARRAY[row('s', 'z')::addr])", "DROP TABLE t; DROP TYPE addr",
    )  # fmt: skip
    change = ("ALTER TYPE addr DROP ATTRIBUTE zip CASCADE", "ALTER TYPE addr ADD ATTRIBUTE zip text CASCADE")
    assert verdicts(proved(url, seed, change)) == [RESTORED, DATA_LOST]


def test_a_sequence_that_begins_again(url: str) -> None:
    seed = ("CREATE TABLE t (id serial PRIMARY KEY, n text); INSERT INTO t (n) VALUES ('a'), ('b')", "DROP TABLE t")
    change = ("CREATE TABLE o (i int); ALTER SEQUENCE t_id_seq RESTART", "DROP TABLE o")
    done = proved(url, seed, change)
    assert verdicts(done) == [RESTORED, DATA_LOST]
    assert done.reports[1].reasons == ("the next value of sequence public.t_id_seq is already used by a row",)


@pytest.mark.parametrize(
    ("table", "rows", "check"),
    [
        ("id serial PRIMARY KEY", "INSERT INTO t (name) VALUES ('a')", "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 1)"),
        ("id int GENERATED ALWAYS AS IDENTITY", "INSERT INTO t (name) VALUES ('a')", "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 1)"),
        ("id serial", "INSERT INTO t (id, name) VALUES (nextval('t_id_seq'), nullif(currval('t_id_seq'), 1)::text)", "ALTER TABLE t ALTER name SET NOT NULL"),
    ],
    ids=["serial", "identity", "not null"],
)  # fmt: skip
def test_rows_are_those_of_one_up_migration(url: str, table: str, rows: str, check: str) -> None:
    """Applied a second time, as in a round trip, the migration before gets other numbers from its sequence."""
    before = (f"CREATE TABLE t ({table}, name text)", "DROP TABLE t")
    change = (check, "ALTER TABLE t DROP CONSTRAINT IF EXISTS c")
    assert verdicts(proved(url, before, (rows, "DELETE FROM t"), change)) == [RESTORED, RESTORED, FAILS]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE t SET name = lower(name)",
        "DELETE FROM t WHERE id > 0",
        "DO $$ BEGIN DELETE FROM t; END $$",
        "TRUNCATE t",
        "MERGE INTO t USING (SELECT 1 AS x) s ON true WHEN MATCHED THEN UPDATE SET name = ''",
    ],
)
def test_statements_that_change_rows_beside_additions_are_tested_with_generated_rows(url: str, change: str) -> None:
    done = proved(
        url, EMPTY, (f"ALTER TABLE t ADD COLUMN note text; {change}", "ALTER TABLE t DROP COLUMN note"), rows=True
    )
    assert verdicts(done) == [RESTORED, DATA_LOST]


@pytest.mark.parametrize(
    ("before", "up", "down"),
    [
        ("CREATE TABLE ev_1 (at int); INSERT INTO ev_1 VALUES (1)",
         "DO $$ BEGIN EXECUTE format('CREATE TABLE ev_%s (at int)', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint); END $$",
         "DROP TABLE ev_1"),
        ("CREATE TABLE it (at timestamp, price int); CREATE VIEW v AS SELECT * FROM it WHERE at < 'now'::timestamp AND price > 100",
         "DROP VIEW v", "CREATE VIEW v AS SELECT * FROM it WHERE at < 'now'::timestamp AND price > 10"),
    ],
    ids=["another table is dropped", "another number changes"],
)  # fmt: skip
def test_what_differs_each_time_hides_nothing_else(url: str, before: str, up: str, down: str) -> None:
    assert verdicts(proved(url, (before, "DROP VIEW IF EXISTS v; DROP TABLE IF EXISTS it, ev_1"), (up, down)))[1] in (
        NOT_RESTORED,
        FAILS,
    )


def test_a_random_value_that_is_fixed_in_a_default(url: str) -> None:
    change = (
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD c uuid DEFAULT ' || quote_literal(gen_random_uuid()); END $$",
        "ALTER TABLE t DROP c",
    )
    assert verdicts(proved(url, EMPTY, change)) == [RESTORED, RESTORED]


def test_settings_of_the_database_are_those_of_the_migrations_before(url: str) -> None:
    """Wherever a migration needs another copy; and so are the comment and the privileges."""
    settings = (
        "CREATE SCHEMA app; DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path TO app, public', current_database());"
        "EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), 'ours');"
        "EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET search_path', current_database());"
        "EXECUTE format('COMMENT ON DATABASE %I IS NULL', current_database());"
        "EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$; DROP SCHEMA app",
    )
    done = proved(
        url, settings, ("CREATE TABLE items (id int PRIMARY KEY)", "DROP TABLE app.items"),
        ("INSERT INTO items VALUES (1)", "DELETE FROM items"), ("INSERT INTO app.items VALUES (2)", "DELETE FROM items WHERE id = 2"),
    )  # fmt: skip
    assert verdicts(done) == [RESTORED] * 4, [report.reasons for report in done.reports]


def test_the_user_who_connects(url: str) -> None:
    """Their password is as before, and no database is left, after a migration that locks them out."""
    scripts = ("ALTER ROLE postgres PASSWORD 'y'; CREATE TABLE t (x int)", "DROP TABLE t")
    done = proved(url, scripts)
    assert verdicts(done) == [FAILS]
    assert "authentication failed" in done.reports[0].reasons[0]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'shipway%'").fetchall() == []


def test_roles_are_as_before_with_all_that_belongs_to_them(url: str) -> None:
    ask = """SELECT r.rolname, s.setconfig, shobj_description(r.oid, 'pg_authid'),
      array(SELECT g.rolname::text || m.admin_option FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)
      FROM pg_roles r LEFT JOIN pg_db_role_setting s ON s.setrole = r.oid WHERE r.rolname IN ('alice', 'dave') ORDER BY 1"""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE ROLE admins; CREATE ROLE alice; CREATE ROLE dave; GRANT admins TO dave WITH ADMIN OPTION;"
            "ALTER ROLE dave SET search_path TO one, two; COMMENT ON ROLE dave IS 'it''s him'"
        )
        before = connection.execute(ask).fetchall()
        proved(
            url, ("GRANT admins TO alice; ALTER ROLE alice SET work_mem = '64MB'; COMMENT ON ROLE alice IS 'hi'; CREATE TABLE t (x int)", "DROP TABLE t"),
            ("REVOKE admins FROM dave; ALTER ROLE dave RESET ALL; COMMENT ON ROLE dave IS NULL", "GRANT admins TO dave"),
        )  # fmt: skip
        after = connection.execute(ask).fetchall()
        connection.execute("DROP ROLE alice, dave, admins")
    assert after == before
