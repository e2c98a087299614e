"""Scratch databases on a disposable PostgreSQL server."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from psycopg import sql
from psycopg.errors import ObjectInUse

from shipway.domain.catalog import Difference
from shipway.domain.errors import ProofError
from shipway.drivers.scratch import postgres_hints as messages
from shipway.drivers.scratch.names import is_orphan, new_name
from shipway.drivers.scratch.postgres_database import PostgresDatabase
from shipway.drivers.scratch.postgres_properties import copy_properties
from shipway.drivers.scratch.postgres_reader import Reader
from shipway.drivers.scratch.postgres_roles import drop_roles, note_roles, orphaned_roles, read_roles, restore_roles
from shipway.drivers.scratch.postgres_rows import fill
from shipway.drivers.scratch.postgres_session import Connection, end_sessions, session
from shipway.drivers.scratch.sql_code import same_function
from shipway.ports import Fill, OneOff, ScratchDatabase

# Up to this size, a copy goes through the WAL (since version 15), which saves two checkpoints; a larger one copies
# files.
SMALL = 200_000_000  # bytes


class PostgresScratch:
    """`url` is the address of a database that is never cloned, as a superuser. A session that watched a database is
    reused for the next one. `client` runs a command beside the server, with its own pg_dump; None: this machine's."""

    def __init__(self, url: str, client: OneOff | None = None) -> None:
        self._url, self._client = url, client
        self._server = Reader(url)  # stays open: a migration may change this user's password
        self._watchers: list[Reader] = []  # idle ones
        self._roles: Path | None = None  # a note of those before anything was run, until this process ends
        weakref.finalize(self, _close, [self._server], self._watchers)

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        name = new_name()

        def create(connection: Connection) -> None:
            template, strategy = "template0", ""
            if like is not None:
                if isinstance(like, PostgresDatabase):
                    like.close()
                end_sessions(connection, like.name)
                template, strategy = like.name, _strategy(connection, like.name)
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} " + strategy)
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
            if like is not None:
                copy_properties(connection, like.name, name)
            self._roles = self._roles or note_roles(connection)

        self._server.read(create)
        watcher = self._watchers.pop() if self._watchers else Reader(self._url)
        return PostgresDatabase(name, self._url_of(name), self._url, watcher, empty=like is None, client=self._client)

    def drop(self, database: ScratchDatabase) -> None:
        if isinstance(database, PostgresDatabase):
            database.close()
            self._watchers.append(database.watcher)
        self._server.read(lambda connection: self._drop(connection, database.name))

    def drop_orphans(self) -> Sequence[str]:
        with session(self._url) as connection:
            names = [
                name for (name,) in connection.execute("SELECT datname FROM pg_database ORDER BY 1") if is_orphan(name)
            ]
            roles = orphaned_roles(connection, names)
            for name in names:
                self._drop(connection, name)
            drop_roles(connection, roles)
        return names

    def version(self) -> str:
        with session(self._url) as connection:
            (number,) = connection.execute("SHOW server_version").fetchone() or ("",)
        return f"PostgreSQL {number.split()[0]}"  # after it: the name of a distribution

    def free_space(self) -> int | None:
        """From `df` on the server's machine, if available, run as a superuser."""
        try:
            with session(self._url) as connection, connection.transaction():
                connection.execute("CREATE TEMPORARY TABLE space (line text) ON COMMIT DROP")
                connection.execute("COPY space FROM PROGRAM 'df -Pk . | tail -n 1'")
                (line,) = connection.execute("SELECT line FROM space").fetchone() or ("",)
            return int(line.split()[-3]) * 1024
        except (ProofError, ValueError, IndexError):
            return None

    @property
    def fill(self) -> Fill:
        return fill

    def hints(self, message: str) -> Sequence[str]:
        return messages.hints(message)

    def notices(self, lines: Sequence[str]) -> Sequence[str]:
        return messages.notices(lines)

    def cosmetic(self, difference: Difference) -> bool:
        before, after = difference.facets.get("definition", ("", ""))
        return (
            difference.kind in ("function", "procedure")
            and set(difference.facets) == {"definition"}
            and same_function(before, after)
        )

    def server_objects(self) -> Mapping[str, str]:
        return self._server.read(read_roles)

    def restore_server_objects(self, known: Mapping[str, str]) -> Sequence[str]:
        return self._server.read(lambda connection: restore_roles(connection, known))

    def skipped(self, notice: str) -> bool:
        return messages.skipped(notice)

    def _url_of(self, name: str) -> str:
        return urlsplit(self._url)._replace(path="/" + quote(name)).geturl()

    def _drop(self, connection: Connection, name: str) -> None:
        end_sessions(connection, name)
        statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
        try:
            connection.execute(statement)
        except ObjectInUse:  # a migration's subscription
            with session(self._url_of(name)) as inside:
                _drop_subscriptions(inside)
            end_sessions(connection, name)
            connection.execute(statement)


def _close(*readers: list[Reader]) -> None:
    for reader in (one for several in readers for one in several):
        reader.close()


def _drop_subscriptions(connection: Connection) -> None:
    """Without asking the server that they subscribe to."""
    current = "SELECT oid FROM pg_database WHERE datname = current_database()"
    for (name,) in connection.execute(
        f"SELECT subname FROM pg_subscription WHERE subdbid = ({current})".encode()
    ).fetchall():
        for statement in (
            "ALTER SUBSCRIPTION {} DISABLE",
            "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            "DROP SUBSCRIPTION {}",
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _strategy(connection: Connection, name: str) -> str:
    if connection.info.server_version < 150000:
        return ""
    (size,) = connection.execute("SELECT pg_database_size(%s)", [name]).fetchone() or (0,)
    return "STRATEGY wal_log" if size <= SMALL else "STRATEGY file_copy"
