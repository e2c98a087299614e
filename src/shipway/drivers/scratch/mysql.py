"""Scratch databases on a disposable MySQL or MariaDB server. Tested on MariaDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pymysql
from pymysql.cursors import SSCursor

from shipway.domain.catalog import Catalog, Content, Difference
from shipway.domain.errors import ProofError
from shipway.drivers.scratch.deadline import deadline
from shipway.drivers.scratch.mysql_catalog import TABLES, read_catalog, read_statements, written
from shipway.drivers.scratch.mysql_clone import copy
from shipway.drivers.scratch.mysql_session import Connection, end_sessions, error_message, query, quoted, session
from shipway.drivers.scratch.names import is_orphan, new_name
from shipway.drivers.scratch.unwatched import Unreplayed, Unwatched
from shipway.ports import OneOff, Replayed, ScratchDatabase, Watched

_COLUMNS = f"""
SELECT c.table_name, c.column_name, c.column_key = 'PRI'
FROM information_schema.columns c JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
WHERE c.table_schema = database() AND t.{TABLES} ORDER BY c.table_name, c.ordinal_position"""


class MySqlScratch:
    """`url` such as mysql://root:secret@127.0.0.1:3306, of a user with all privileges. `client` is not needed."""

    def __init__(self, url: str, client: OneOff | None = None) -> None:
        self._url = url

    def create(self, like: ScratchDatabase | None = None) -> ScratchDatabase:
        name = new_name()
        with session(self._url) as connection:
            options = ""
            if like is not None:
                ask = "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = %s"
                found = query(connection, ask, [like.name])
                options = "CHARACTER SET {} COLLATE {}".format(*found[0]) if found else ""
            query(connection, f"CREATE DATABASE {quoted(name)} {options}")
            if like is not None:
                try:
                    copy(connection, like.name, name)
                except BaseException:
                    query(connection, f"DROP DATABASE {quoted(name)}")
                    raise
        return MySqlDatabase(name, self._url)

    def drop(self, database: ScratchDatabase) -> None:
        with session(self._url) as connection:
            _drop(connection, database.name)

    def drop_orphans(self) -> Sequence[str]:
        with session(self._url) as connection:
            names = [name for (name,) in query(connection, "SHOW DATABASES") if is_orphan(name)]
            for name in names:
                _drop(connection, name)
        return names

    def version(self) -> str:
        with session(self._url) as connection:
            ((text,),) = query(connection, "SELECT version()")
        return f"{'MariaDB' if 'mariadb' in text.lower() else 'MySQL'} {text.partition('-')[0]}"

    def free_space(self) -> int | None:
        """Unknown."""
        return None

    @property
    def fill(self) -> None:
        """No rows are generated."""

    def hints(self, message: str) -> Sequence[str]:
        held = "another session held it: does the tool leave a transaction open?"
        return (held,) if "waiting for a lock" in message else ()

    def notices(self, lines: Sequence[str]) -> Sequence[str]:
        """None: the clients of these servers don't mark them."""
        return ()

    def cosmetic(self, difference: Difference) -> bool:
        """Unknown: code is compared as it is written."""
        return False

    def server_objects(self) -> Mapping[str, str]:
        """Users are not compared."""
        return {}

    def restore_server_objects(self, known: Mapping[str, str]) -> Sequence[str]:
        return ()

    def skipped(self, notice: str) -> bool:
        return False


class MySqlDatabase:
    def __init__(self, name: str, server: str) -> None:
        self.name = name
        self.url = f"{server.rstrip('/')}/{name}"
        self._server = server
        self._made = self._keys()

    def catalog(self) -> Catalog:
        with session(self._server, self.name) as connection:
            return read_catalog(connection)

    def touched(self) -> Mapping[str, int | None]:
        """Every table: changes are not counted."""
        return dict.fromkeys(sorted({*self._made, *self._keys()}))

    def forget(self) -> None:
        self._made = self._keys()

    def content(self, table: str, columns: Sequence[str]) -> Content:
        with session(self._server, self.name) as connection:
            there = _columns(connection).get(table)
            if there is None:
                return Content(0)
            wanted = [column for column in columns if column in there]
            key = self._made.get(table, [name for name, part in there.items() if part])
            mixed = "".join(f"{_text(column)}, ' ', " for column in key) if set(key) <= set(wanted) else ""
            rows = [] if mixed else [", ' ', ".join(map(_text, wanted)) or "''"]
            sums = "".join(
                f", COALESCE(SUM(CAST(CONV(LEFT(MD5(CONCAT({text})), 16), 16, 10) AS UNSIGNED)), 0)"
                for text in (*(f"{mixed}{_text(column)}" for column in wanted), *rows)
            )
            count, *found = query(connection, f"SELECT COUNT(*){sums} FROM {table}")[0]
            whole = str(found.pop()) if rows else ""
            return Content(int(count), dict(zip(wanted, map(str, found), strict=True)), whole)

    @contextmanager
    def hashes(self, table: str, columns: Sequence[str]) -> Iterator[Iterator[int]]:
        text = ", ' ', ".join(map(_text, columns)) or "''"
        with session(self._server, self.name) as connection, connection.cursor(SSCursor) as cursor:
            cursor.execute(
                f"SELECT CAST(CONV(LEFT(MD5(CONCAT({text})), 16), 16, 10) AS UNSIGNED) FROM {table} ORDER BY 1"
            )
            yield (int(number) for (number,) in cursor)

    def dump(self) -> Mapping[str, str]:
        """As SHOW CREATE writes it."""
        with session(self._server, self.name) as connection:
            return read_statements(connection)

    def collisions(self) -> Sequence[str]:
        """None: AUTO_INCREMENT continues after the largest value; sequences of MariaDB aren't checked."""
        return ()

    def execute(self, sql: str, *, transaction: bool = True, timeout: float | None = None) -> Sequence[str]:
        """Run it. On these servers, a statement that changes the schema ends the transaction; notices are those of the
        last statement."""
        with session(self._server, self.name) as connection, deadline(timeout, self._kill(connection)) as late:
            try:
                if transaction:
                    query(connection, "START TRANSACTION")
                with connection.cursor() as cursor:
                    cursor.execute(sql)
                    while cursor.nextset():
                        pass
                warnings = [f"{level}: {text}" for level, _, text in query(connection, "SHOW WARNINGS")]
                connection.commit()
            except pymysql.MySQLError as error:
                if late.is_set():
                    raise ProofError(f"it ran longer than {timeout:g} s and was cancelled") from error
                hint = (
                    "DELIMITER is a command of the mysql client, not SQL; it isn't needed here"
                    if "delimiter" in sql.lower()
                    else ""
                )
                raise ProofError(error_message(error), hint=hint) from error
        return warnings

    def watch(self, *, waits: bool = False) -> AbstractContextManager[Watched]:
        """Sees nothing: metadata locks need a plugin."""
        return nullcontext(Unwatched())

    def replay(self, statements: Sequence[str]) -> AbstractContextManager[Replayed]:
        return nullcontext(Unreplayed())

    def interrupt(self) -> Sequence[str]:
        with session(self._server) as connection:
            return end_sessions(connection, self.name)

    def _kill(self, connection: Connection) -> Callable[[], None]:
        """Kills this session: cancelling only a query such as SLEEP may count as success."""
        ((number,),) = query(connection, "SELECT connection_id()")

        def kill() -> None:
            with session(self._server) as other:
                query(other, f"KILL {number}")

        return kill

    def _keys(self) -> Mapping[str, list[str]]:
        with session(self._server, self.name) as connection:
            return {
                table: [name for name, key in columns.items() if key] for table, columns in _columns(connection).items()
            }


def _drop(connection: Connection, name: str) -> None:
    end_sessions(connection, name)
    query(connection, f"DROP DATABASE IF EXISTS {quoted(name)}")


def _columns(connection: Connection) -> dict[str, dict[str, bool]]:
    """By table: its columns, and whether each is part of the primary key."""
    found: dict[str, dict[str, bool]] = {}
    for table, column, key in query(connection, _COLUMNS):
        found.setdefault(written(table), {})[written(column)] = bool(key)
    return found


def _text(column: str) -> str:
    return f"COALESCE(CONCAT('v', {column}), 'n')"
