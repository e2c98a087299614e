"""A migration that waits for a lock of a real MariaDB: any tool's statement is ended in time, the session that holds the lock is
named, and the attempts are bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pymysql
import pytest

from shipway.actions.environment.patient_tool import PatientTool
from shipway.domain.errors import MigrationFailed
from shipway.domain.plan import Database
from shipway.drivers.server.mysql import MySqlServer
from shipway.ports import OneOff
from tests.conformance import database_lab as lab
from tests.conformance import scratch_lab
from tests.unit.world import World

pytestmark = [pytest.mark.databases, pytest.mark.engine]

INSIDE = "127.0.0.1"  # the address of the migrations: those of the services come from outside of the container
RECORDING = ("--performance-schema=ON", "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON")
# The accessory's user: it may see sessions, and no more. The other one may read which session holds a table's lock too.
USERS = """
CREATE DATABASE shop;
CREATE USER shop IDENTIFIED BY 'lab'; GRANT ALL ON shop.* TO shop; GRANT PROCESS ON *.* TO shop;
CREATE USER reader IDENTIFIED BY 'lab'; GRANT ALL ON shop.* TO reader; GRANT PROCESS ON *.* TO reader; GRANT SELECT ON performance_schema.* TO reader;
CREATE TABLE shop.pets (id int PRIMARY KEY, name varchar(50)); INSERT INTO shop.pets VALUES (1, 'Rex'), (2, 'Tom');
"""


class Server:
    def __init__(self, name: str, port: int) -> None:
        self.name, self.port = name, port

    def client(self, user: str) -> OneOff:
        env = {"DB_HOST": INSIDE, "DB_PORT": "3306", "DB_USER": user, "MYSQL_PWD": scratch_lab.PASSWORD}
        return lab.execute(self.name, {**env, "DB_NAME": "shop"})

    @contextmanager
    def session(self, *statements: str) -> Iterator[pymysql.Connection[Any]]:
        """Of a service, in a transaction."""
        connection = pymysql.connect(
            host="127.0.0.1", port=self.port, user="shop", password=scratch_lab.PASSWORD, database="shop"
        )
        try:
            for statement in statements:
                connection.cursor().execute(statement)
            yield connection
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with scratch_lab.mariadb_container(*RECORDING) as (name, url):
        port = int(url.rpartition(":")[2])
        with pymysql.connect(
            host="127.0.0.1", port=port, user="root", password=scratch_lab.PASSWORD, autocommit=True
        ) as root:
            for statement in filter(str.strip, USERS.split(";")):
                root.cursor().execute(statement)
        yield Server(name, port)


class Client:
    """A tool whose sessions get no limits: it runs one statement."""

    def __init__(self, run: OneOff, statement: str) -> None:
        self._run, self.statement = run, statement
        self.calls = 0

    def pending(self) -> list[str]:
        return ["0002"]

    def up(self, on_line: Callable[[str], None], to: str | None = None) -> None:
        self.calls += 1
        client = 'mariadb --host="$DB_HOST" --user="$DB_USER" "$DB_NAME" -e "$1"'
        code, output = self._run(["sh", "-c", client, "sh", self.statement])
        if code:
            raise MigrationFailed(f"migration 0002 failed\n{output}")


class Pauses(threading.Event):
    """Calls something in each pause; nobody waits."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then = then

    def wait(self, timeout: float | None = None) -> bool:
        self._then()
        return self.is_set()


@pytest.fixture
def patient(server: Server, tmp_path: Path) -> Callable[..., tuple[PatientTool, Client, list[str]]]:
    def make(
        statement: str, *, user: str = "shop", retries: int = 1, addresses: Sequence[str] = (INSIDE,),
        then: Callable[[], None] = lambda: None,
    ) -> tuple[PatientTool, Client, list[str]]:  # fmt: skip
        world = World(tmp_path / "world")
        ctx = world.controller()
        object.__setattr__(ctx, "cancelled", Pauses(then))
        database = Database("db", "web", "knex", lock_timeout=1.0, lock_retries=retries, lock_pause=0.0)
        run, inner = server.client(user), Client(server.client(user), statement)
        return PatientTool(ctx, cast(Any, inner), MySqlServer(), database, run, lambda: addresses), inner, world.notes

    return make


def test_a_table_that_a_transaction_reads(server: Server, patient: Any) -> None:
    """Requests that queue behind the migration go on once it has given up; by default the server doesn't record the holder."""
    waiting = "SELECT 1 FROM information_schema.processlist WHERE state = 'Waiting for table metadata lock'"
    with server.session("SELECT * FROM pets") as holder, server.session("SET autocommit = 1") as other:

        def read() -> None:
            with other.cursor() as cursor:
                while not cursor.execute(waiting):
                    pass
                cursor.execute("SELECT * FROM pets")

        queued = threading.Thread(target=read)
        queued.start()
        tool, inner, notes = patient("ALTER TABLE pets ADD age int")
        with pytest.raises(MigrationFailed, match="Query execution was interrupted") as failure:
            tool.up(print)
        queued.join(60)
        assert not queued.is_alive()
        number = holder.thread_id()
    assert inner.calls == 2
    assert "didn't get a lock within 1.0 s (`lock_timeout`)" in notes[0]
    for text in (notes[0], failure.value.message):
        assert f"the only open transaction is of process {number} (user shop, from " in text
        assert "idle in transaction" in text
    assert f"this ends that session: KILL {number}" in failure.value.hint


def test_the_holder_of_a_table_where_it_is_recorded(server: Server, patient: Any) -> None:
    with server.session("SELECT 1 FROM dual") as idle, server.session("LOCK TABLES pets READ") as holder:
        idle.begin()
        tool, _, _ = patient("ALTER TABLE pets ADD age int", user="reader", retries=0)
        with pytest.raises(MigrationFailed) as failure:
            tool.up(print)
        assert f"held by process {holder.thread_id()} (user shop, from " in failure.value.message
        assert str(idle.thread_id()) not in failure.value.hint


def test_a_row_that_a_transaction_has_changed(server: Server, patient: Any) -> None:
    """The server itself would wait for 50 s. The session that holds a row is known, and the next attempt gets it."""
    with server.session("UPDATE pets SET name = 'Ben' WHERE id = 1") as holder:
        tool, inner, notes = patient("UPDATE pets SET name = upper(name)", then=holder.rollback)
        tool.up(print)
    assert inner.calls == 2
    assert f"held by process {holder.thread_id()} (user shop, from " in notes[0]
    with server.session() as session, session.cursor() as cursor:
        cursor.execute("SELECT name FROM pets ORDER BY id LIMIT 1")
        assert cursor.fetchone() == ("REX",)


def test_statements_of_services_are_left_alone(server: Server, patient: Any) -> None:
    """One that waits for a row comes from another address."""
    with server.session("UPDATE pets SET name = 'Ben' WHERE id = 1") as holder, server.session() as other:
        waits = threading.Thread(target=lambda: other.cursor().execute("UPDATE pets SET name = 'Kim' WHERE id = 1"))
        waits.start()
        tool, _, _ = patient("UPDATE pets SET name = 'Max' WHERE id = 1", retries=0)
        with pytest.raises(MigrationFailed, match=f"held by process {holder.thread_id()} "):
            tool.up(print)
        assert waits.is_alive()
        holder.rollback()
        waits.join(60)
        assert not waits.is_alive()
        other.rollback()
