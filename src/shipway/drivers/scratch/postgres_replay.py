"""Repeat an application's statements on a scratch database, with invented values in place of their parameters."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psycopg

from shipway.domain.server_log import REPLAYED
from shipway.drivers.scratch.postgres_session import Connection, connect
from shipway.drivers.scratch.postgres_values import values

SESSIONS = 4  # at most: a statement that waits holds up those of its session
PAUSE = 0.002  # seconds between two statements of a session
ONCE = 5000  # milliseconds for a statement before the block: slower ones are left out
_PARAMETER = re.compile(r"\$(\d+)\b")
_NAME = "shipway_statement"
_TYPES = "SELECT parameter_types::text[] FROM pg_prepared_statements WHERE name = %s"
_MISSING = ("42P01", "42703", "42883", "42704")  # a table, column, function or other object


@dataclass
class _Replay:
    """Implements ports.Replayed."""

    statements: int
    failures: Sequence[str] = ()


@contextmanager
def replaying(url: str, statements: Sequence[str]) -> Iterator[_Replay]:
    """See ports.ScratchDatabase.replay."""
    with connect(url, application_name=REPLAYED) as connection:
        usable = [made for text in statements if (made := _with_values(connection, text)) and _runs(connection, made)]
    failures: dict[str, None] = {}
    replay, stop = _Replay(len(usable)), threading.Event()
    shares = [usable[number::SESSIONS] for number in range(min(SESSIONS, len(usable)))]
    with ExitStack() as stack:
        sessions = [stack.enter_context(connect(url, application_name=REPLAYED)) for _ in shares]
        pool = stack.enter_context(ThreadPoolExecutor(max(1, len(shares))))
        for session, share in zip(sessions, shares, strict=True):
            pool.submit(_repeat, session, share, stop, failures)
        try:
            yield replay
        finally:
            stop.set()
            for session in sessions:
                with suppress(psycopg.Error):
                    session.cancel()
    replay.failures = tuple(failures)


def _repeat(session: Connection, statements: Sequence[str], stop: threading.Event, failures: dict[str, None]) -> None:
    """Until `stop`, or the end of the session."""
    while not session.closed:
        for statement in statements:
            if stop.wait(PAUSE):
                return
            with suppress(psycopg.OperationalError):
                try:
                    with session.transaction(force_rollback=True):
                        session.execute(statement.encode())
                except psycopg.Error as error:
                    if error.sqlstate in _MISSING:
                        failures[f"{error.diag.message_primary}: {' '.join(statement.split())}"] = None


def _with_values(connection: Connection, statement: str) -> str:
    """The statement with a value for each parameter, of the type that the server derives; empty if it can't be prepared."""
    try:
        with connection.transaction():
            connection.execute(f"PREPARE {_NAME} AS {statement}".encode())
            (types,) = connection.execute(_TYPES, [_NAME]).fetchone() or ((),)
            connection.execute(f"DEALLOCATE {_NAME}")
    except psycopg.Error:
        return ""

    def value(match: re.Match[str]) -> str:
        number = int(match[1]) - 1
        text = values(types[number], number % 3) if number < len(types) else None
        return "NULL" if text is None else "'" + text.replace("'", "''") + f"'::{types[number]}"

    return _PARAMETER.sub(value, statement)


def _runs(connection: Connection, statement: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"SET LOCAL statement_timeout = {ONCE}")
            connection.execute(statement.encode())
    except psycopg.Error as error:
        return (error.sqlstate or "").startswith("23")  # refused for its invented values, after it took its locks
    return True
