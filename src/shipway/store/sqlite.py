"""SQLite: WAL, full sync, one connection a thread; recursive triggers, so that REPLACE is a DELETE to them too."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shipway.domain.errors import StoreError
from shipway.store.database import Row

BUSY = 30.0  # seconds to wait for another writer


class SqliteDatabase:
    """A ledger in one file."""

    types = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "real": "REAL"}

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.now = clock
        self.name = str(path)
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """BEGIN IMMEDIATE … COMMIT."""
        if getattr(self._local, "open", False):
            yield
            return
        with self._translated():
            self._connection().execute("BEGIN IMMEDIATE")
        self._local.open = True
        try:
            yield
            with self._translated():
                self._connection().execute("COMMIT")
        except BaseException:
            if self._connection().in_transaction:
                self._connection().execute("ROLLBACK")
            raise
        finally:
            self._local.open = False

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement."""
        with self._translated():
            return self._connection().execute(sql, tuple(values)).fetchall()

    def append_only(self, table: str) -> Sequence[str]:
        """Triggers that raise."""
        return [
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]

    def has_table(self, table: str) -> bool:
        """Whether it is there."""
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)))

    def close(self) -> None:
        """Close all connections."""
        with self._guard:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None, check_same_thread=False)
            with self._guard:
                self._connections.append(connection)
            self._local.connection = connection
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"):
                connection.execute(f"PRAGMA {pragma}")
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StoreError(f"the ledger {self.name} refused a write: {error}") from error
        except sqlite3.DatabaseError as error:
            hint = "check that it is a ledger, that the disk has room and that you may write there; or move it away"
            raise StoreError(f"the ledger {self.name} can't be used: {error}", hint=hint) from error
