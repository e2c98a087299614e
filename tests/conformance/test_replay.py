"""Statements of an environment, read from its server and repeated on a scratch database, while a migration takes a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from shipway.domain.server_log import REPLAYED
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.server.postgres import PostgresServer
from shipway.ports import ScratchDatabase
from tests.conformance.database_lab import docker
from tests.conformance.scratch_lab import postgres

pytestmark = [pytest.mark.databases, pytest.mark.engine]
PETS = "CREATE TABLE pets (id int PRIMARY KEY, name text NOT NULL, born date); INSERT INTO pets VALUES (1, 'Rex', NULL)"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with postgres(15, "-c", "shared_preload_libraries=pg_stat_statements") as found:
        yield found


@pytest.fixture
def pets(server: tuple[str, str]) -> Iterator[ScratchDatabase]:
    scratch = PostgresScratch(server[1])
    database = scratch.create()
    database.execute(PETS)
    yield database
    scratch.drop(database)


def test_the_most_frequent_statements_without_their_values(server: tuple[str, str]) -> None:
    name, url = server
    driver = PostgresServer()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute(PETS)
        for number in range(3):
            connection.execute(f"SELECT name FROM pets WHERE id = {number}")
        for _ in range(2):
            connection.execute("UPDATE pets\nSET name = 'it''s secret' WHERE born < '2020-01-01'")
        connection.execute("DROP TABLE pets")
    found = driver.frequent(docker("exec", name, *driver.command("statements", "2")))
    assert found == ("SELECT name FROM pets WHERE id = $1", "UPDATE pets\nSET name = $1 WHERE born < $2")


def test_a_server_that_records_none_says_so() -> None:
    with postgres() as (name, _), pytest.raises(AssertionError, match='relation "pg_stat_statements" does not exist'):
        docker("exec", name, *PostgresServer().command("statements", "2"))


def test_they_wait_behind_a_migration(pets: ScratchDatabase) -> None:
    """The values have the types of the parameters; what is refused for its values still takes its locks."""
    statements = ["SELECT name FROM pets WHERE id = $1 AND born < $2", "INSERT INTO pets VALUES ($1, NULL, $2)", "SELECT nosuch FROM pets"]  # fmt: skip
    with pets.replay(statements) as replayed, pets.watch(waits=True) as watched:
        pets.execute("LOCK TABLE pets; SELECT pg_sleep(0.5)")
    assert (replayed.statements, replayed.failures) == (2, ())
    waits = {wait.statement.partition(" pets")[0]: wait for wait in watched.waits if wait.client == REPLAYED}
    assert waits.keys() == {"SELECT name FROM", "INSERT INTO"}
    for wait in waits.values():
        assert wait.seconds > 0
        assert (wait.relation, [blocker.client == REPLAYED for blocker in wait.blockers]) == ("public.pets", [False])
    assert pets.content("public.pets", ["name"]).rows == 1


def test_what_they_miss_after_a_migration_is_named(pets: ScratchDatabase) -> None:
    with pets.replay(["SELECT born FROM pets", "SELECT name FROM pets"]) as replayed:
        pets.execute("ALTER TABLE pets DROP COLUMN born")
        time.sleep(0.3)
    assert replayed.failures == ('column "born" does not exist: SELECT born FROM pets',)


def test_a_block_ends_while_a_statement_waits(pets: ScratchDatabase) -> None:
    with psycopg.connect(pets.url) as other:
        other.execute("SELECT 1")
        before = threading.active_count()
        with pets.replay(["SELECT name FROM pets"]):
            other.execute("LOCK TABLE pets")
            time.sleep(0.2)
        assert threading.active_count() <= before
