"""Sessions on a MySQL or MariaDB server, with their errors translated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from shipway.domain.errors import ProofError
from shipway.system.installation import missing_part

try:
    import pymysql
    from pymysql.constants.CLIENT import MULTI_STATEMENTS
    from pymysql.cursors import Cursor
except ModuleNotFoundError as error:
    raise ProofError("proofs on MySQL and MariaDB need PyMySQL", hint=missing_part("mysql")) from error

Row = tuple[Any, ...]
Connection: TypeAlias = "pymysql.Connection[Cursor]"
# How values are written, regardless of the server's settings.
SETTINGS = "SET time_zone = '+00:00', SESSION group_concat_max_len = 1000000"


@contextmanager
def session(url: str, database: str | None = None) -> Iterator[Connection]:
    """A session in autocommit; `url` such as mysql://root:secret@127.0.0.1:3306. ProofError with the server's
    message."""
    parts = urlsplit(url)
    try:
        connection = pymysql.connect(
            host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""), database=database, charset="utf8mb4", autocommit=True,
            client_flag=MULTI_STATEMENTS, connect_timeout=10, init_command=SETTINGS,
        )  # fmt: skip
        try:
            yield connection
        finally:
            if connection.open:
                connection.close()
    except pymysql.MySQLError as error:
        raise ProofError(error_message(error)) from error


def error_message(error: pymysql.MySQLError) -> str:
    return str(error.args[-1]) if error.args else type(error).__name__


def query(connection: Connection, statement: str, values: Sequence[object] | None = None) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def end_sessions(connection: Connection, database: str) -> Sequence[str]:
    """End all sessions of a database but this one; returns what each was doing."""
    doing = []
    ask = "SELECT id, coalesce(state, ''), info FROM information_schema.processlist WHERE db = %s AND id <> connection_id()"
    for number, state, info in query(connection, ask, [database]):
        try:
            query(connection, f"KILL {int(number)}")
        except pymysql.MySQLError:  # it has ended
            continue
        how = "waiting for a lock" if "lock" in state.lower() else "running"
        doing.append(f"{how}: {' '.join(info.split())[:200]}" if info else "idle")
    return doing
