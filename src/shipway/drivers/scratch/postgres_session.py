"""Sessions on a scratch server: open and end them, and translate their errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from shipway.domain.errors import ProofError

Connection = psycopg.Connection[tuple[Any, ...]]
END = 10.0  # seconds for a session to end
DOING = """
SELECT CASE WHEN wait_event_type = 'Lock' THEN 'waiting for a lock: ' WHEN state = 'active' THEN 'running: ' ELSE 'idle after: ' END
  || left(regexp_replace(btrim(query, E' \\n\\r\\t'), '\\s+', ' ', 'g'), 200)
FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
ORDER BY wait_event_type = 'Lock' DESC NULLS LAST, state = 'active' DESC, pid"""


def connect(url: str, application_name: str | None = None, **settings: str) -> Connection:
    """A session in autocommit; `settings` are the server's, such as TimeZone="UTC". Raises psycopg.Error."""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    # The name is no option: one in the address or in PGAPPNAME would take precedence.
    return psycopg.connect(
        url, autocommit=True, connect_timeout=10, options=options, application_name=application_name
    )  # fmt: skip


@contextmanager
def session(url: str | Callable[[], Connection]) -> Iterator[Connection]:
    """A session with the settings of the database and its role, or what gives one. ProofError with the database's message."""
    try:
        connection = connect(url) if isinstance(url, str) else url()
        try:
            yield connection
        finally:
            connection.close()
    except psycopg.Error as error:
        raise ProofError(error_message(error)) from error


def error_message(error: psycopg.Error) -> str:
    """The server's message with its detail; a lost connection in one line."""
    diagnostic = error.diag
    parts = [diagnostic.message_primary or " ".join(str(error).split()), diagnostic.message_detail, diagnostic.context]
    return "\n".join(part for part in parts if part)


def end_sessions(connection: Connection, database: str) -> None:
    """End all sessions of a database but this one, and wait for them: DROP and CREATE DATABASE would wait in steps of
    100 ms."""
    ask = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    deadline = time.monotonic() + END
    while connection.execute(ask, [database]).fetchone() != (0,):
        if time.monotonic() > deadline:
            raise ProofError(f"sessions in {database} did not end")
        time.sleep(0.002)
