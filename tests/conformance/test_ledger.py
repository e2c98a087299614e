"""The ledger on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shipway.domain.errors import StoreError
from shipway.ports import Ledger
from shipway.store import open_ledger
from shipway.testing.ledger import LedgerSuite
from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE, numbers
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
    def tampering(self, execute: Any) -> Callable[[], None]:
        def drop() -> None:
            for verb in ("update", "delete"):
                execute(f"DROP TRIGGER audit_no_{verb}")

        return drop

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

    def test_a_file_of_no_bytes_is_no_new_ledger(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        path.touch()
        with pytest.raises(StoreError, match="is empty: it is not a ledger"):
            open_ledger(path)
        assert path.stat().st_size == 0

    def test_a_new_one_is_there_whole_whoever_is_first(self, tmp_path: Path) -> None:
        path = tmp_path / "home" / "ledger.db"
        with ThreadPoolExecutor(4) as pool:
            ledgers = list(pool.map(lambda _: open_ledger(path), range(4)))
        assert sorted(item.add_release(RELEASE).number for item in ledgers) == [1, 2, 3, 4]
        for item in ledgers:
            item.close()
        assert [item.name for item in path.parent.iterdir()] == ["ledger.db"]

    @pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("unshare"), reason="file systems are mounted by root only"
    )
    def test_a_full_disk_leaves_room_to_record_a_rollback(self, tmp_path: Path) -> None:
        code = """
import sys; from pathlib import Path; from shipway.store import open_ledger; from shipway.testing.ledger.samples import DEPLOYMENT, RELEASE
from shipway.domain.errors import DiskFull, StoreError
home = Path(sys.argv[1]); ledger = open_ledger(home / "ledger.db")
ledger.add_release(RELEASE); ledger.reserve()
try:
    (home / "filling").write_bytes(bytes(2 ** 24))
except OSError as error:
    print(error.strerror)
ledger.close(); ledger = open_ledger(home / "ledger.db")
for _ in range(20):
    ledger.end_deployment(ledger.begin_deployment(DEPLOYMENT), "succeeded", 1.0, None, "x" * 5000)
print(len(ledger.deployments("shop")), (home / "ledger.db.reserve").exists())
try:
    with (home / "more").open("wb") as file: file.write(bytes(2 ** 24))
except OSError: pass
try: ledger.reserve()
except DiskFull as error: print(error)
try:
    with (home / "rest").open("ab", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True: file.write(bytes(size))
            except OSError: pass
    for _ in range(2000): ledger.end_deployment(ledger.begin_deployment(DEPLOYMENT), "succeeded", 1.0, None, "x" * 5000)
except StoreError as error: print(type(error).__name__, error.exit_code, "free 8.4 MB" in error.hint)
"""
        mounted = 'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" -c "$3" "$1"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", mounted, "sh", str(tmp_path), sys.executable, code],
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout.splitlines()
        assert told[:2] == ["No space left on device", "20 False"], done.stderr
        assert told[2].startswith("the disk has no space for the reserve of the ledger")
        assert told[3] == "LedgerFull 24 True"

    def test_a_kill_in_the_middle_of_writes_loses_nothing_that_was_told(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        code = (
            "import sys; from shipway.store import open_ledger; from shipway.testing.ledger.samples import RELEASE\n"
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

    @pytest.fixture
    def tampering(self, execute: Any) -> Callable[[], None]:
        return lambda: execute("DROP TRIGGER audit_append_only ON audit")

    def test_a_server_that_does_not_answer_is_named_without_its_password(self) -> None:
        started = time.monotonic()
        with pytest.raises(StoreError) as caught:
            open_ledger(f"postgresql://me:{PASSWORD}@127.0.0.1:1/x")
        assert "127.0.0.1" in str(caught.value)
        assert PASSWORD not in str(caught.value)
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("answered", [False, True])
    def test_a_connection_that_drops_at_any_message_doubles_and_loses_nothing(
        self, address: str, answered: bool
    ) -> None:
        with Cutting(address) as proxy:
            ledger = open_ledger(proxy.address)
            ledger.add_release(RELEASE)
            proxy.cut(0, answered=answered)
            ledger.add_release(RELEASE)
            messages = proxy.messages
            assert messages > 4
            known = 2
            for at in range(1, messages + 1):
                proxy.cut(at, answered=answered)
                assert ledger.add_release(RELEASE).number == known + 1
                proxy.cut(at, answered=answered)
                number = ledger.begin_deployment(DEPLOYMENT)
                ledger.end_deployment(number, "succeeded", 1.0, None, "")
                assert numbers([ledger.current("shop", "staging")]) == [number]
                assert ledger.deployments("shop")[0].id == number
                known += 1
                assert len(ledger.deployments("shop")) == known - 2
            assert proxy.cuts > messages
            lease = ledger.acquire("shop/staging", "ada", "deploys", 15.0)
            for at in range(1, 7):
                proxy.cut(at, answered=answered)
                lease = ledger.renew(lease, 15.0)
            ledger.close()

    def test_a_server_that_restarts_is_waited_for(self, address: str, server: str) -> None:
        import psycopg

        ledger = open_ledger(address)
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'shipway %'"
            )
        assert ledger.add_release(RELEASE).number == 1
        assert ledger.now() == pytest.approx(time.time(), abs=60)
        ledger.close()


class Cutting:
    """Between a ledger and its server: drops the connection at a message from the ledger, before the server gets it or,
    `answered`, when the server has done what it says and before the ledger hears of that."""

    def __init__(self, address: str) -> None:
        host, _, rest = address.partition("@")[2].partition(":")
        port, _, name = rest.partition("/")
        self._to = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"{address.partition('@')[0]}@127.0.0.1:{self._listener.getsockname()[1]}/{name}?sslmode=disable"
        self.messages = self.cuts = self._at = 0
        self._answered = False
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Cutting:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def cut(self, at: int, *, answered: bool) -> None:
        """At this message from now on; 0: never."""
        self.messages, self._at, self._answered = 0, at, answered

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._to) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                if server in ready:
                    client.sendall(server.recv(65536) or _gone())
                if client in ready:
                    data = client.recv(65536) or _gone()
                    self.messages += 1
                    last = self.messages == self._at
                    if not last or self._answered:
                        server.sendall(data)
                    if last:
                        if self._answered:
                            server.recv(65536)
                        self.cuts += 1
                        return


def _gone() -> bytes:
    raise ConnectionError
