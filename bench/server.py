"""The release server: webhooks that come fast, a large board, and many open pages."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import re
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.measure import Row
from examples.project import SHIPWAY
from shipway.domain.event import LINE, RUN, Event, Subject
from shipway.domain.plan import Environment
from shipway.domain.release import SUCCEEDED, Deployment, Trigger
from shipway.store import open_ledger
from shipway.testing.ledger.samples import RELEASE

WEBHOOKS, SECONDS = 1000, 10.0
ENVIRONMENTS, RUNS = 50, 10_000
PAGES, LINES = 200, 10  # open pages of a log, and its lines a second
APP, PERSON = RELEASE.app, "ada@example.com"


def rows() -> list[Row]:
    """All rows of this theme."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        return [*_webhooks(server), *_pages(server), *_board(server)]


class Server:
    """A server with a home of its own, which runs no push: that is the work of other processes."""

    def __init__(self, home: Path, port: int, pid: int, secret: str) -> None:
        self.home, self.port, self.pid, self.secret = home, port, pid, secret
        self.cookie = self._signed_in()

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def _signed_in(self) -> str:
        link = shipway(self.home, "user", "login-link", PERSON).partition("link=")[2].split()[0]
        asked = self.connection()
        body = urllib.parse.urlencode({"link": link})
        asked.request("POST", "/sign-in/link", body, {"Content-Type": "application/x-www-form-urlencoded"})
        return str(asked.getresponse().headers["set-cookie"]).partition(";")[0]

    def cpu(self) -> float:
        """Seconds of the processor that its process and the one that observes have used."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/children")
        children = [child for thread in threads for child in thread.read_text().split()]
        return sum(map(_cpu, [str(self.pid), *children]))


def _cpu(pid: str) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def shipway(home: Path, *words: str) -> str:
    return subprocess.run([SHIPWAY, "--home", home, *words], capture_output=True, text=True, check=True).stdout


@contextmanager
def served(home: Path) -> Iterator[Server]:
    fill(home)
    shipway(home, "user", "add", PERSON, "--role", "admin")
    made = shipway(
        home, "webhook", "add", "shop", "--forge", "github", "--address", "https://forge.example/acme/shop.git"
    )
    log = home / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [SHIPWAY, "--home", home, "serve", "--listen", "127.0.0.1:0", "--at-once", "0"],
            stdout=output,
            stderr=output,
        )
    try:
        while not (found := re.search(r"serves http://127.0.0.1:(\d+)", log.read_text())):
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        yield Server(home, int(found[1]), process.pid, made.rpartition("secret: ")[2].strip())
    finally:
        process.terminate()
        process.wait()


def fill(home: Path) -> None:
    """A board of many environments, and many runs."""
    ledger = open_ledger(home / "ledger.db")
    names = [f"env-{number}" for number in range(ENVIRONMENTS)]
    plan = replace(RELEASE.plan, environments={name: Environment(name, f"http://{name}.example") for name in names})
    release = ledger.add_release(replace(RELEASE, plan=plan, digest=""))
    for name in names:
        id = ledger.begin_deployment(Deployment(0, APP, name, release.number, "deploy", PERSON, "", time.time()))
        ledger.end_deployment(id, SUCCEEDED, time.time(), None, "")
    ledger.begin_run(APP, "a" * 40, "b" * 40, Trigger("push", "refs/heads/main", PERSON), time.time())
    ledger.close()
    with sqlite3.connect(home / "ledger.db") as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(runs)") if not row[5]]
        listed = ", ".join(columns)
        for _ in range(RUNS.bit_length()):
            connection.execute(
                f"INSERT INTO runs ({listed}) SELECT {listed} FROM runs LIMIT max(0, ? - (SELECT count(*) FROM runs))",
                (RUNS,),
            )


def _webhooks(server: Server) -> list[Row]:
    """Sent at even distances by several connections, as by a forge, when the server has loaded everything and has seen its
    environments once."""
    taken: list[float] = []
    guard = threading.Lock()

    def send(lane: int, lanes: int) -> None:
        connection = server.connection()
        for number in range(lane, WEBHOOKS, lanes):
            body = push(number)
            signature = hmac.new(server.secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {
                "X-GitHub-Event": "push", "X-GitHub-Delivery": str(number), "Content-Type": "application/json",
                "X-Hub-Signature-256": f"sha256={signature}",
            }  # fmt: skip
            time.sleep(max(0.0, begun + number * SECONDS / WEBHOOKS - time.perf_counter()))
            started = time.perf_counter()
            connection.request("POST", "/hooks/shop", body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 202:
                raise RuntimeError(f"webhook {number}: {answer.status}")
            with guard:
                taken.append((time.perf_counter() - started) * 1000)

    disk = _syncs(server.home)
    begun = time.perf_counter() - SECONDS
    send(0, WEBHOOKS)
    time.sleep(5)
    taken.clear()
    begun = time.perf_counter()
    with ThreadPoolExecutor(10) as pool:
        for done in [pool.submit(send, lane, 10) for lane in range(10)]:
            done.result()
    ledger = open_ledger(server.home / "ledger.db")
    stored = len(ledger.pushes(WEBHOOKS * 2))
    ledger.close()
    taken.sort()
    return [
        Row(f"{WEBHOOKS} webhooks in {SECONDS:g} s: not stored", WEBHOOKS - stored, "", 0),
        Row(f"{WEBHOOKS} webhooks in {SECONDS:g} s: answer, median", statistics.median(taken), "ms"),
        Row(f"{WEBHOOKS} webhooks in {SECONDS:g} s: answer, p99", taken[int(len(taken) * 0.99)], "ms", 50.0),
        Row(f"{WEBHOOKS} writes of 8 KB in {SECONDS:g} s to the same disk, each synced: p99", disk, "ms"),
    ]


def _syncs(folder: Path) -> float:
    """Milliseconds that a disk takes at worst: each webhook is on it before it is answered."""
    taken = []
    with (folder / "synced").open("wb", buffering=0) as file:
        begun = time.perf_counter()
        for number in range(WEBHOOKS):
            time.sleep(max(0.0, begun + number * SECONDS / WEBHOOKS - time.perf_counter()))
            started = time.perf_counter()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)[int(len(taken) * 0.99)]


def push(number: int) -> bytes:
    """As GitHub tells of a push to a branch."""
    repository = {"id": 1, "full_name": "acme/shop", "clone_url": "https://forge.example/acme/shop.git", "ssh_url": ""}
    return json.dumps({
        "ref": f"refs/heads/branch-{number}", "before": "0" * 40, "after": f"{number + 1:040x}", "created": True, "deleted": False,
        "forced": False, "repository": repository, "pusher": {"name": "ada"}, "sender": {"login": "ada", "id": 1},
    }).encode()  # fmt: skip


def _board(server: Server) -> list[Row]:
    connection = server.connection()

    def ask(path: str) -> float:
        started = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": server.cookie, "Accept": "text/html"})
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != 200 or (path.endswith(APP) and f"env-{ENVIRONMENTS - 1}<" not in text):
            raise RuntimeError(f"{path}: {answer.status}")
        return (time.perf_counter() - started) * 1000

    deadline = time.monotonic() + 120
    while True:  # it has not been read yet
        try:
            ask(f"/apps/{APP}")
            break
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    what = f"with {ENVIRONMENTS} environments and {RUNS:,} runs"
    return [
        Row(f"the board {what}", statistics.median(ask(f"/apps/{APP}") for _ in range(20)), "ms", 100.0),
        Row(f"the list of runs {what}", statistics.median(ask(f"/apps/{APP}/runs") for _ in range(20)), "ms", 100.0),
    ]


def _pages(server: Server) -> list[Row]:
    """Each page has a stream of one log, which goes on."""
    ledger = open_ledger(server.home / "ledger.db")
    number = ledger.begin_run(APP, "a" * 40, "b" * 40, Trigger("push", "refs/heads/main", PERSON), time.time())
    counts = [0] * PAGES
    over = threading.Event()

    def read(page: int) -> None:
        connection = server.connection()
        connection.request("GET", f"/apps/{APP}/runs/{number}/events", headers={"Cookie": server.cookie})
        answer = connection.getresponse()
        while not over.is_set():
            if answer.readline().startswith(b"data: {"):
                counts[page] += 1

    threads = [threading.Thread(target=read, args=(page,), daemon=True) for page in range(PAGES)]
    for thread in threads:
        thread.start()
    subject = Subject(RUN, APP, number)

    def write(seconds: float) -> int:
        until, written = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            ledger.add_events(subject, [Event(time.time(), LINE, "unit", "a line of output")])
            written += 1
            time.sleep(1 / LINES)
        return written

    written = write(3)
    started, before = time.perf_counter(), server.cpu()
    written += write(10)
    share = (server.cpu() - before) / (time.perf_counter() - started)
    deadline = time.monotonic() + 10
    while min(counts) < written and time.monotonic() < deadline:
        time.sleep(0.1)
    lost = sum(written - count for count in counts)
    over.set()
    ledger.end_run(number, SUCCEEDED, time.time())
    ledger.close()
    return [
        Row(f"{PAGES} open pages of a log of {LINES} lines a second: of one core", share * 100, "%", 30.0),
        Row(f"{PAGES} open pages of a log of {LINES} lines a second: lines that did not come", lost, "", 0),
    ]
