"""A session that repeatedly reads a scratch database: it stays open, since a new one must load PostgreSQL's catalogs
and prepare statements again, which takes longer than the reading."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg

from shipway.domain.errors import ProofError
from shipway.drivers.scratch.postgres_session import Connection, connect, error_message

Result = TypeVar("Result")
# Independent of the settings of the database and its roles: how names and values are written …
SETTINGS = {
    "search_path": "", "TimeZone": "UTC", "DateStyle": "ISO,YMD", "IntervalStyle": "postgres", "extra_float_digits": "3",
    "bytea_output": "hex", "xmloption": "content", "quote_all_identifiers": "off",
    "jit": "off",  # compiling the queries would take longer than running them
}  # fmt: skip


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A session of its own with these settings. ProofError with the database's message."""
    try:
        with connect(url, **SETTINGS) as connection:
            yield connection
    except psycopg.Error as error:
        raise ProofError(error_message(error)) from error


class Reader:
    """Cloning or dropping the database ends its session; the next read opens another one. In between it is idle,
    outside a transaction, and blocks no one."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """The result of `work`, which may be called twice. ProofError with the database's message."""
        with self._lock:
            kept = self._connection is not None
            try:
                try:
                    return work(self._open())
                except psycopg.OperationalError:
                    if not (kept and self._connection and self._connection.closed):
                        raise
                    self._connection = None
                    return work(self._open())
            except psycopg.Error as error:
                raise ProofError(error_message(error)) from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._url, **SETTINGS)
        return self._connection
