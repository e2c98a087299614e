"""Threads of one process that write to a ledger in a file."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest

from shipway.store.sqlite import SqliteDatabase
from shipway.system.parallel import side_by_side


def test_they_take_turns_and_never_wait_for_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own waiting grows to a tenth of a second for each try."""
    connect = SqliteDatabase._connect

    def impatient(self: SqliteDatabase) -> sqlite3.Connection:
        made = connect(self)
        made.execute("PRAGMA busy_timeout = 0")
        return made

    monkeypatch.setattr(SqliteDatabase, "_connect", impatient)
    database = SqliteDatabase(tmp_path / "ledger.db", time.time)
    database.query("CREATE TABLE counts (number INTEGER)")
    database.query("INSERT INTO counts VALUES (0)")
    ready = threading.Barrier(8)

    def count() -> None:
        (found,) = database.query("SELECT number FROM counts")[0]
        database.query("UPDATE counts SET number = ?", (found + 1,))

    def write(lane: int) -> None:
        database.query("SELECT 1")  # its connection is there
        ready.wait()
        for _ in range(50):
            database.write(count)
            database.query("UPDATE counts SET number = number + 1")

    side_by_side(write, range(8))
    assert database.query("SELECT number FROM counts") == [(800,)]
    database.close()


def test_a_turn_that_does_not_end_is_told_by_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.store.sqlite.BUSY", 0.05)
    database = SqliteDatabase(tmp_path / "ledger.db", time.time)
    database.query("CREATE TABLE counts (number INTEGER)")

    def nested() -> None:
        with pytest.raises(Exception, match="locked"):
            side_by_side(lambda item: database.query("INSERT INTO counts VALUES (?)", (item,)), [1, 2])

    database.write(nested)
    database.close()
