"""SQLite: WAL, full sync, one connection per thread; recursive triggers, so that they also fire for the DELETE of a
REPLACE."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from shipway.domain.errors import DiskFull, LedgerFull, StoreError, UsageError
from shipway.domain.size import readable
from shipway.store.database import Row

BUSY = 30.0  # seconds to wait for another writer
RESERVE = 4 * 1024 * 1024  # bytes: far more than a rollback records
LITTLE = 1 << 20  # bytes: with less free space, an I/O error counts as a full disk
NO_ROOM = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}  # errors of a full disk
T = TypeVar("T")


class SqliteDatabase:
    """A ledger in one file, beside a reserve file that is deleted when the disk is full."""

    types = {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "real": "REAL"}

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self.now = clock
        self.name = str(path)
        self._path = path
        self._reserve = path.with_name(f"{path.name}.reserve")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._free: list[sqlite3.Connection] = []  # of threads that have ended
        self._guard = threading.Lock()
        self._turns = threading.Lock()  # of writers in this process: SQLite lets them sleep, and longer each time

    def write(self, work: Callable[[], T]) -> T:
        """BEGIN IMMEDIATE … COMMIT."""
        if getattr(self._local, "open", False):
            return work()
        with self._turn():
            return self._with_reserve(lambda: self._transaction(work))

    def query(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement."""
        if getattr(self._local, "open", False):
            return self._execute(sql, values)
        with nullcontext() if sql.lstrip().startswith("SELECT") else self._turn():
            return self._with_reserve(lambda: self._execute(sql, values))

    def copy_to(self, path: str) -> None:
        """By SQLite's online backup, which restarts if another process writes."""
        with self._translated(), closing(sqlite3.connect(path)) as target:
            self._connection().backup(target)
            target.execute("PRAGMA journal_mode = DELETE")  # one file
            found = [text for (text,) in target.execute("PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise StoreError(f"the ledger {self.name} is damaged: {'; '.join(found)}")

    def reserve(self) -> None:
        """Recreate the reserve file if it was deleted. DiskFull if there is no room for it."""
        if self._reserve.exists():
            return
        made = self._reserve.with_name(f"{self._reserve.name}.{os.getpid()}")
        try:
            with made.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE)
            made.replace(self._reserve)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise DiskFull(
                f"the disk has no space for the reserve of the ledger {self.name}, which a rollback needs if the disk is full: {error.strerror}",
                hint=f"free {readable(RESERVE)} on that disk: `shipway prune` removes outputs and logs of old runs",
            ) from error

    def has_room(self) -> bool:
        """By the free space of its disk: also once the reserve was deleted, its space is for others."""
        try:
            return shutil.disk_usage(self._path.parent).free > 2 * RESERVE
        except OSError:
            return False

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
            self._connections, self._free = [], []
        self._local = threading.local()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One writer at a time. After BUSY seconds SQLite says what is wrong."""
        has = self._turns.acquire(timeout=BUSY)
        try:
            yield
        finally:
            if has:
                self._turns.release()

    def _execute(self, sql: str, values: Sequence[object]) -> list[Row]:
        with self._translated():
            return self._connection().execute(sql, tuple(values)).fetchall()

    def _transaction(self, work: Callable[[], T]) -> T:
        self._execute("BEGIN IMMEDIATE", ())
        self._local.open = True
        try:
            result = work()
            self._execute("COMMIT", ())
        except BaseException:
            if self._connection().in_transaction:
                self._connection().execute("ROLLBACK")
            raise
        finally:
            self._local.open = False
        return result

    def _with_reserve(self, work: Callable[[], T]) -> T:
        """On a full disk, delete the reserve and retry: nothing of a failed transaction was committed."""
        try:
            return work()
        except StoreError as error:
            if not self._is_full(error):
                raise
            if not self._reserve.exists():
                raise self._no_room(error) from error
        self._reserve.unlink(missing_ok=True)
        return work()

    def _is_full(self, error: StoreError) -> bool:
        code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
        return code == sqlite3.SQLITE_FULL or (
            code in NO_ROOM and (self._reserve.exists() or shutil.disk_usage(self._path.parent).free < LITTLE)
        )

    def _no_room(self, error: StoreError) -> LedgerFull:
        home = self._path.parent
        hint = f"free {readable(2 * RESERVE)} on that disk, for example in {home}/logs and {home}/artifacts; then `shipway prune` removes old logs and outputs"
        return LedgerFull(f"the disk of the ledger {self.name} is full: {error.__cause__}", hint=hint)

    def _connection(self) -> sqlite3.Connection:
        lent: _Lent | None = getattr(self._local, "lent", None)
        if lent is None:
            self._local.lent = lent = _Lent(self._free_one() or self._connect(), self._free)
        return lent.connection

    def _free_one(self) -> sqlite3.Connection | None:
        try:
            found = self._free.pop()
        except IndexError:
            return None
        return None if found.in_transaction else found

    def _connect(self) -> sqlite3.Connection:
        made = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "recursive_triggers = ON"):
            made.execute(f"PRAGMA {pragma}")
        with self._guard:
            self._connections.append(made)
        return made

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OverflowError as error:  # of more than 64 bits: PostgreSQL finds none either
            raise UsageError("a number is too large: nothing in the ledger has it") from error
        except sqlite3.IntegrityError as error:
            raise StoreError(f"the ledger {self.name} rejected a write: {error}") from error
        except sqlite3.DatabaseError as error:
            hint = "check that it is a ledger, that the disk has space and that you have write permission; or move the file"
            raise StoreError(f"the ledger {self.name} can't be used: {error}", hint=hint) from error


class _Lent:
    """A thread's connection. When the thread ends, it is free for the next one: a new one reads the whole schema."""

    def __init__(self, connection: sqlite3.Connection, free: list[sqlite3.Connection]) -> None:
        self.connection, self._free = connection, free

    def __del__(self) -> None:
        self._free.append(self.connection)
