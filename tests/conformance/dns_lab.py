"""Real DNS servers in processes of the test: PowerDNS with its HTTP API, and BIND with updates by TSIG."""

from __future__ import annotations

import base64
import fcntl
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shipway.drivers.lookup.dns import DnsQueries
from shipway.testing.dns import ZONE
from tests.programs import program

API_KEY = "powerdns-api-key-of-the-test"
TSIG = base64.b64encode(b"a key of the test, 32 bytes long").decode()
RECORDS = [
    (ZONE, "SOA", "ns1.shop.example. admin.shop.example. 1 3600 600 86400 60", 3600),
    (ZONE, "NS", "ns1.shop.example.", 3600),
    (ZONE, "MX", "10 mail.example.net.", 3600),
    (ZONE, "TXT", '"v=spf1 -all; not ours"', 3600),
    ("ns1." + ZONE, "A", "127.0.0.1", 3600),
    ("www." + ZONE, "A", "192.0.2.1", 600),
]
SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str  # of its DNS port
    options: dict[str, str]  # of its provider


def settled(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def values(server: str, name: str, kind: str) -> tuple[str, ...]:
    """What a running server says; asked again on a machine so busy that it misses a question."""
    found: tuple[str, ...] | None = None

    def answered() -> bool:
        nonlocal found
        found = DnsQueries().ask(server, "authoritative", name, kind).values
        return found is not None

    assert settled(answered), f"{server} doesn't answer"
    return found or ()


_TAKEN: list[IO[str]] = []  # locks of ports, until this process ends


def free_port() -> int:
    """A TCP and UDP port that is free now, of those for DNS tests; no other process of the tests gets it."""
    for port in range(5300, 5320):
        lock = (Path(tempfile.gettempdir()) / f"shipway-test-port-{port}.lock").open("a", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tcp.bind(("127.0.0.1", port))
                udp.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _TAKEN.append(lock)
        return port
    raise RuntimeError("no port from 5300 to 5319 is free")


@contextmanager
def running(command: list[str], log: Path, ports: list[int]) -> Iterator[None]:
    """A process of the test, until all its ports answer."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        for port in ports:
            assert settled(lambda port=port: _answers(port) or process.poll() is not None), log.read_text()  # type: ignore[misc]
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 60).close()
    except OSError:
        return False
    return True


@contextmanager
def powerdns(folder: Path, records: list[tuple[str, str, str, int]] | None = None) -> Iterator[Server]:
    """PowerDNS with the zone of the suite."""
    server = program("pdns_server")
    database = folder / "pdns.db"
    with sqlite3.connect(database) as connection:
        connection.executescript(SCHEMA.read_text())
        connection.execute("INSERT INTO domains (name, type) VALUES (?, 'NATIVE')", (ZONE,))
        rows = [
            (name, kind, text.removeprefix("10 "), ttl, 10 if kind == "MX" else 0)
            for name, kind, text, ttl in records or RECORDS
        ]
        sql = "INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled, auth) VALUES (1, ?, ?, ?, ?, ?, 0, 1)"
        connection.executemany(sql, rows)
    dns, api = free_port(), free_port()
    sockets = tempfile.mkdtemp(prefix="pdns-")  # the path of a socket has at most 107 characters
    command = [
        server, f"--config-dir={folder}", "--launch=gsqlite3", f"--gsqlite3-database={database}", "--daemon=no",
        "--guardian=no", f"--local-port={dns}", "--local-address=127.0.0.1", "--api=yes", f"--api-key={API_KEY}",
        "--webserver=yes", "--webserver-address=127.0.0.1", f"--webserver-port={api}", f"--socket-dir={sockets}",
        "--cache-ttl=0", "--query-cache-ttl=0", "--negquery-cache-ttl=0", "--zone-cache-refresh-interval=0", "--setuid=", "--setgid=",
    ]  # fmt: skip
    with running(command, folder / "pdns.log", [dns, api]):
        yield Server(f"127.0.0.1:{dns}", {"host": "127.0.0.1", "port": str(api)})
    shutil.rmtree(sockets)


NAMED = """\
options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; pid-file "{folder}/named.pid";
  recursion no; dnssec-validation no; session-keyfile "{folder}/session.key"; managed-keys-directory "{folder}"; }};
controls {{ }};
key "shipway" {{ algorithm hmac-sha256; secret "{key}"; }};
zone "{zone}" {{ type primary; file "{folder}/zone.db"; allow-transfer {{ key shipway; }}; update-policy {{ grant shipway zonesub ANY; }}; }};
"""


@contextmanager
def bind(folder: Path) -> Iterator[Server]:
    """BIND with the zone of the suite."""
    server = program("named")
    port = free_port()
    (folder / "zone.db").write_text(
        "\n".join(f"{name}. {ttl} IN {kind} {text}" for name, kind, text, ttl in RECORDS) + "\n"
    )
    (folder / "named.conf").write_text(NAMED.format(folder=folder, port=port, key=TSIG, zone=ZONE))
    log = folder / "named.log"
    with running([server, "-g", "-c", str(folder / "named.conf")], log, [port]):
        assert settled(lambda: "all zones loaded" in log.read_text()), log.read_text()
        yield Server(
            f"127.0.0.1:{port}",
            {"host": "127.0.0.1", "port": str(port), "key_name": "shipway", "key_algorithm": "hmac-sha256"},
        )


@contextmanager
def silent_server() -> Iterator[int]:
    """A TCP server that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        kept: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    kept.append(server.accept()[0])
            except OSError:
                return

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1]
        for item in kept:
            item.close()
