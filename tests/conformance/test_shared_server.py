"""Proofs on a real server: dumps as a safety net, and roles, which all databases of the server share."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import psycopg
import pytest

from shipway.domain.catalog import Catalog
from shipway.domain.own_tables import OwnTables
from shipway.domain.proof import DATA, FAILS, NOT_RESTORED, RESTORED
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.postgres_dump import local_version
from shipway.proving.dumps import compare_dumps
from shipway.proving.round_trip import MigrationRange, round_trip
from shipway.proving.sequence import SequenceReport, verify_sequence
from shipway.proving.stage import Terms
from shipway.proving.verify import verify
from tests.conformance.database_lab import docker
from tests.conformance.scratch_lab import postgres

pytestmark = [pytest.mark.databases, pytest.mark.engine]
NOTHING = OwnTables()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with postgres() as found:
        yield found


@pytest.fixture
def scratch(server: tuple[str, str]) -> Iterator[PostgresScratch]:
    """With the server's own pg_dump. Fails where a proof leaves a role or a database."""
    name, url = server

    def client(command: Sequence[str]) -> tuple[int, str]:
        return 0, docker("exec", "--env", "PGUSER=postgres", name, *command)

    yield PostgresScratch(url, client)
    with psycopg.connect(url) as connection:
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'").fetchall()
        databases = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
    assert (roles, databases) == ([("postgres",)], [("postgres",)])


def migrations(*scripts: tuple[str, str]) -> list[Migration]:
    return [
        Migration(f"{number:02}", "x", SqlFile(f"{number:02}.up.sql", up), SqlFile(f"{number:02}.down.sql", down))
        for number, (up, down) in enumerate(scripts, 1)
    ]


def proved(scratch: PostgresScratch, *scripts: tuple[str, str]) -> SequenceReport:
    folder = migrations(*scripts)
    return verify_sequence(
        scratch, lambda database, at: BareFolder(database, folder, at), [item.version for item in folder],
        lambda report: None, lambda line: None, timeout=60.0,
    )  # fmt: skip


def verdicts(done: SequenceReport) -> list[str]:
    return [report.verdict for report in done.reports]


GOODS = ("CREATE TABLE goods (id int PRIMARY KEY, name text)", "DROP TABLE goods")


def test_dumps_of_equal_schemas_are_equal(scratch: PostgresScratch) -> None:
    """Whatever the order in which objects and columns were made. The tool's migration history is left out."""
    one, two = scratch.create(), scratch.create()
    try:
        parts = [
            "CREATE SEQUENCE s", "CREATE TABLE a (x int, y text)", "CREATE TABLE b (z int PRIMARY KEY)",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        ]  # fmt: skip
        one.execute(";".join([*parts, "GRANT SELECT ON a TO PUBLIC"]))
        two.execute(
            ";".join([*reversed(parts), "GRANT SELECT ON a TO PUBLIC"]).replace("x int, y text", "y text, x int")
        )
        two.execute("CREATE TABLE applied (id serial PRIMARY KEY)")
        before, after = one.dump(), two.dump()
        assert before is not None
        assert after is not None
        assert "TABLE public.a" in before
        assert compare_dumps(before, after, OwnTables(history=frozenset({"applied"}))) == ()
        assert {item.name for item in compare_dumps(before, after, NOTHING)} == {
            "TABLE public.applied", "SEQUENCE public.applied_id_seq", "SEQUENCE OWNED BY public.applied_id_seq",
            "DEFAULT public.applied id", "CONSTRAINT public.applied applied_pkey",
        }  # fmt: skip
    finally:
        scratch.drop(one)
        scratch.drop(two)


def test_a_difference_that_only_the_dump_shows(scratch: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """With catalogs that see nothing at all."""
    folder = migrations(GOODS, ("ALTER TABLE goods ADD COLUMN price int", "ALTER TABLE goods RENAME price TO prize"))
    database = scratch.create()
    try:
        database.execute(GOODS[0])
        before = database.dump()
        monkeypatch.setattr(type(database), "catalog", lambda self: Catalog())
        found = round_trip(
            database, BareFolder(database, folder, "01"), MigrationRange("01", ("02",)), Catalog(),
            Terms(scratch, watched=False), dumped=lambda *_: lambda: before,
        )  # fmt: skip
        (difference,) = found.findings.differences
        assert (difference.kind, difference.name) == ("dump", "TABLE public.goods")
        assert "prize integer" in difference.facets["lines"][1]
    finally:
        scratch.drop(database)


def test_without_a_client_beside_the_server_the_local_pg_dump_is_used(server: tuple[str, str]) -> None:
    scratch = PostgresScratch(server[1])
    database = scratch.create()
    try:
        database.execute("CREATE TABLE a (x int)")
        found = database.dump()
        assert (found is not None and "TABLE public.a" in found) if local_version() >= 15 else found is None
    finally:
        scratch.drop(database)


def test_roles_that_migrations_make(scratch: PostgresScratch) -> None:
    """Later migrations rely on them, or drop them; in the end there are none."""
    scripts = (
        GOODS,
        ("CREATE ROLE reader; GRANT SELECT ON goods TO reader", "DROP OWNED BY reader; DROP ROLE reader"),
        ("ALTER TABLE goods DROP COLUMN name", "ALTER TABLE goods ADD COLUMN name text"),
        ("CREATE ROLE writer IN ROLE reader LOGIN", "DROP ROLE writer"),
        ("ALTER TABLE goods ADD COLUMN price int; ALTER TABLE goods OWNER TO writer",
         "ALTER TABLE goods OWNER TO CURRENT_USER; ALTER TABLE goods DROP COLUMN price"),
        ("CREATE TABLE tags (id int)", "DROP TABLE tags; CREATE TABLE tag (id int)"),
        ("ALTER TABLE goods OWNER TO CURRENT_USER; DROP ROLE writer",
         "CREATE ROLE writer IN ROLE reader LOGIN; ALTER TABLE goods OWNER TO writer"),
        ("CREATE TABLE labels (id int)", "DROP TABLE labels"),
    )  # fmt: skip
    for _ in range(2):
        done = proved(scratch, *scripts)
        assert verdicts(done) == [RESTORED] * 5 + [NOT_RESTORED, RESTORED, RESTORED], done.reports[-1].reasons


def test_a_role_that_a_down_migration_leaves(scratch: PostgresScratch) -> None:
    done = proved(
        scratch, GOODS, ("CREATE ROLE reader; GRANT SELECT ON goods TO reader", "REVOKE SELECT ON goods FROM reader"),
        ("ALTER TABLE goods ADD COLUMN price int", "ALTER TABLE goods DROP COLUMN price"),
    )  # fmt: skip
    assert verdicts(done) == [RESTORED, FAILS, RESTORED]
    assert 'role "reader" already exists' in done.reports[1].reasons[0]


def test_a_release_that_makes_a_role(scratch: PostgresScratch) -> None:
    (migration,) = migrations(
        ("CREATE ROLE reader; CREATE TABLE a (id int); GRANT SELECT ON a TO reader", "DROP TABLE a; DROP ROLE reader")
    )
    migration = replace(migration, version="1")
    template = scratch.create()
    try:
        for _ in range(3):
            report = verify(
                scratch,
                template,
                lambda database: BareFolder(database, [migration]),
                mode=DATA,
                timeout=60.0,
                watched=False,
            )
            assert report.verdict == RESTORED, report.reasons
    finally:
        scratch.drop(template)


def test_a_role_that_was_there_is_as_before(scratch: PostgresScratch, server: tuple[str, str]) -> None:
    """Also its password, after migrations that drop or change it for good."""
    with psycopg.connect(server[1], autocommit=True) as connection:
        connection.execute(
            "CREATE ROLE boss LOGIN PASSWORD 'secret' VALID UNTIL '2030-01-01'; CREATE ROLE clerk IN ROLE boss"
        )
        ask = "SELECT rolname, rolpassword, rolcanlogin, coalesce(rolvaliduntil::text, 'infinity'), rolcreatedb FROM pg_authid WHERE rolname IN ('boss', 'clerk') ORDER BY 1"
        before = connection.execute(ask).fetchall()
        proved(scratch, ("DROP ROLE clerk; ALTER ROLE boss CREATEDB NOLOGIN PASSWORD 'other'", "SELECT 1"))
        after = connection.execute(ask).fetchall()
        connection.execute("DROP ROLE clerk, boss")
    assert after == before


def test_roles_of_a_proof_that_was_killed(scratch: PostgresScratch, server: tuple[str, str]) -> None:
    """The next proof drops those that the orphan alone uses, and that were not there before it."""
    script = f"""
import os
from shipway.drivers.scratch.postgres import PostgresScratch
database = PostgresScratch({server[1]!r}).create()
database.execute("CREATE TABLE a (id int); CREATE ROLE made; GRANT SELECT ON a TO made; GRANT SELECT ON a TO given")
os._exit(9)
"""
    with psycopg.connect(server[1], autocommit=True) as connection:
        connection.execute("CREATE ROLE given")
        assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 9
        assert len(scratch.drop_orphans()) == 1
        roles = connection.execute("SELECT rolname FROM pg_roles WHERE rolname IN ('made', 'given')").fetchall()
        connection.execute("DROP ROLE given")
    assert roles == [("given",)]
