"""The ledger on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import StoreError
from shipway.ports import Ledger
from shipway.store import open_ledger
from shipway.testing.ledger import LedgerSuite
from tests.postgres import PASSWORD, running_server

pytestmark = pytest.mark.databases


class Fixtures:
    """All ledgers of a test are closed at its end."""

    @pytest.fixture
    def again(self, address: str) -> Iterator[Callable[[], Ledger]]:
        opened: list[Ledger] = []

        def open_once_more() -> Ledger:
            opened.append(open_ledger(address))
            return opened[-1]

        yield open_once_more
        for ledger in opened:
            ledger.close()

    @pytest.fixture
    def ledger(self, again: Callable[[], Ledger]) -> Ledger:
        return again()

    @pytest.fixture
    def execute(self, ledger: Any) -> Callable[[str], object]:
        return lambda sql: ledger._db.query(sql)


class TestSqlite(Fixtures, LedgerSuite):
    @pytest.fixture
    def address(self, tmp_path: Path) -> str:
        return str(tmp_path / "home" / "ledger.db")

    def test_it_syncs_fully_and_writes_ahead(self, execute: Any) -> None:
        assert execute("PRAGMA journal_mode") == [("wal",)]
        assert execute("PRAGMA synchronous") == [(2,)]

    def test_a_file_that_is_no_ledger_is_refused_and_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        path.write_text("not a database, but somebody's file\n" * 100)
        before = path.read_bytes()
        with pytest.raises(StoreError, match="can't be used"):
            open_ledger(path)
        assert path.read_bytes() == before

    def test_a_kill_in_the_middle_of_writes_loses_nothing_that_was_told(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        code = (
            "import sys; from shipway.store import open_ledger; from shipway.testing.ledger import RELEASE\n"
            "ledger = open_ledger(sys.argv[1])\n"
            "while True: print(ledger.add_release(RELEASE).number, flush=True)"
        )
        child = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(20)]
        os.kill(child.pid, signal.SIGKILL)
        told += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        last = int([line for line in told if line.endswith("\n")][-1])
        ledger = open_ledger(path)
        numbers = [item.number for item in ledger.releases("shop", limit=10_000)]
        assert numbers == list(range(len(numbers), 0, -1))
        assert len(numbers) in (last, last + 1)
        ledger.close()
        assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_server() as address:
        yield address


@pytest.mark.engine
class TestPostgres(Fixtures, LedgerSuite):
    @pytest.fixture
    def address(self, server: str) -> str:
        import psycopg

        name = f"ledger_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"{server}/{name}"

    def test_a_server_that_does_not_answer_is_named_without_its_password(self) -> None:
        with pytest.raises(StoreError) as caught:
            open_ledger(f"postgresql://me:{PASSWORD}@127.0.0.1:1/x")
        assert "127.0.0.1" in str(caught.value)
        assert PASSWORD not in str(caught.value)
