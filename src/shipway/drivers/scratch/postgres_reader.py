"""A session that reads a scratch database again and again: it stays open, because a new one has to learn PostgreSQL's
catalogs anew, and what it has prepared, and that takes longer than the reading."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import psycopg

from shipway.domain.errors import ProofError
from shipway.drivers.scratch.postgres_session import Connection, connect, words

Result = TypeVar("Result")
# Whatever the settings of the database and its roles are: how names and values are written …
SETTINGS = {
    "search_path": "", "TimeZone": "UTC", "DateStyle": "ISO,YMD", "IntervalStyle": "postgres", "extra_float_digits": "3",
    "bytea_output": "hex", "xmloption": "content", "quote_all_identifiers": "off",
    "jit": "off",  # compiling the questions would take longer than answering them
}  # fmt: skip


class Reader:
    """Whoever clones or drops the database ends its session; the next read opens another one. In between it is idle,
    outside a transaction, and hinders nobody."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` gives, which must be free to begin again. ProofError with the database's words."""
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
                raise ProofError(words(error)) from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._url, **SETTINGS)
        return self._connection
