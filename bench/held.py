"""Long requests in progress during every switch: deployments and rollbacks, each strategy, with and without standby.

The application exits immediately on SIGTERM. `FULL=1`: with uploads and downloads of 200 MB; else of 40 MB.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import Row

APPLICATION = Path(__file__).with_name("held_app")
MEGABYTES = 200 if os.environ.get("FULL") else 40
ANSWER, PIECES = 10, 20  # seconds; half seconds
EVERY = 2.5  # seconds between the requests of a kind
LEAD = 1.0  # seconds that requests are in progress before the command begins
KINDS = ("10 s answers", "uploads", "downloads", "event streams", "websockets")
STRATEGIES: dict[str, Any] = {
    "blue-green": "blue-green", "rolling": "rolling", "canary": {"kind": "canary", "steps": ["50%"], "hold": "2s"},
}  # fmt: skip
AGAIN = ("blue-green", "canary")  # strategies with standby


class Held:
    """Requests of all kinds, started repeatedly in the `with` block, which waits for them at its end; then `broken` lists
    the failed ones, with the reason. pieces: duration of streams and websockets in half seconds."""

    def __init__(self, host: str, port: int, pieces: int = PIECES) -> None:
        self._host, self._port, self._pieces = host, port, pieces
        self._works = (self._answer, self._upload, self._download, self._events, self._websocket)
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._spawner = threading.Thread(target=self._spawn)
        self.begun = dict.fromkeys(KINDS, 0)
        self.broken: list[tuple[str, str]] = []

    def __enter__(self) -> Held:
        self._spawner.start()
        time.sleep(LEAD)
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._spawner.join()
        for thread in self._threads:
            thread.join()

    def _spawn(self) -> None:
        while not self._over.is_set():
            for kind, work in zip(KINDS, self._works, strict=True):
                self.begun[kind] += 1
                self._threads.append(threading.Thread(target=self._run, args=(kind, work)))
                self._threads[-1].start()
            self._over.wait(EVERY)

    def _run(self, kind: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.broken.append((kind, f"{type(error).__name__}: {error}"))

    def _open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)

    def _get(self, path: str) -> http.client.HTTPResponse:
        connection = self._open()
        connection.request("GET", path, headers={"Host": self._host})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(f"status {answer.status}")
        return answer

    def _answer(self) -> None:
        if not self._get(f"/answer/{ANSWER}").read().startswith(b"version "):
            raise ValueError("no whole answer")

    def _download(self) -> None:
        answer, total = self._get(f"/download/{MEGABYTES}"), 0
        while piece := answer.read(1 << 20):
            total += len(piece)
        if total != MEGABYTES << 20:
            raise ValueError(f"{total} bytes")

    def _upload(self) -> None:
        connection = self._open()
        connection.putrequest("POST", "/upload", skip_host=True)
        connection.putheader("Host", self._host)
        connection.putheader("Content-Length", str(MEGABYTES << 20))
        connection.endheaders()
        for _ in range(MEGABYTES):
            connection.send(bytes(1 << 20))
            time.sleep(0.05)
        answer = connection.getresponse()
        if answer.status != 200 or int(answer.read()) != MEGABYTES << 20:
            raise ValueError(f"status {answer.status}")

    def _events(self) -> None:
        seen = self._get(f"/events/{self._pieces}").read().count(b"data: ")
        if seen != self._pieces:
            raise ValueError(f"{seen} of {self._pieces} events")

    def _websocket(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        with socket.create_connection(("127.0.0.1", self._port), 60) as connection, connection.makefile("rb") as reader:
            head = f"GET /ws HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            connection.sendall(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
            if b" 101 " not in reader.readline():
                raise ValueError("no websocket")
            while reader.readline().strip():
                pass
            for number in range(self._pieces):
                text = str(number).encode()
                connection.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
                if reader.read(2 + len(text)) != bytes([0x81, len(text)]) + text:
                    raise ValueError(f"echo {number} is missing")
                time.sleep(0.5)
            connection.sendall(bytes([0x88, 0x80]) + bytes(4))


class App:
    """A separate repository, whose main branch is deployed."""

    def __init__(self, folder: Path, strategy: object, standby: str, drain: str | None) -> None:
        self.app = f"bench-{uuid.uuid4().hex[:8]}"
        self.host, self.port = f"{self.app}.localhost", 8197
        self.folder, self.version = folder / self.app, 0
        self.env = {
            **os.environ,
            "SHIPWAY_HOME": str(folder / f"{self.app}-home"),
            "NO_COLOR": "1",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        health = {"path": "/healthz", "timeout": "30s"}
        web = {"build": ".", "port": 8000, "route": "/", "health": health, **({"drain": drain} if drain else {})}
        staging = {
            "on": {"branch": "main"},
            "url": f"http://{self.host}:{self.port}",
            "strategy": strategy,
            "standby": standby,
            "replicas": {"web": 2},
        }
        if isinstance(strategy, dict):
            staging["watch"] = {"requests": 1}
        self.plan = {"app": self.app, "services": {"web": web}, "environments": {"staging": staging}}

    def __enter__(self) -> App:
        self.folder.mkdir()
        for file in APPLICATION.iterdir():
            if file.is_file():
                (self.folder / file.name).write_bytes(file.read_bytes())
        (self.folder / "shipway.yaml").write_text(json.dumps(self.plan, indent=1))
        self.command("git", "init", "--quiet", "--initial-branch=main")
        self.deploy()
        return self

    def __exit__(self, *error: object) -> None:
        self.command("shipway", "--quiet", "destroy", "staging", "--force")

    def deploy(self) -> str:
        """Deploy the next version."""
        self.version += 1
        (self.folder / "version").write_text(f"{self.version}\n")
        self.command("git", "add", "--all")
        self.command(
            "git",
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "commit",
            "--quiet",
            "--message",
            f"Version {self.version}",
        )
        return self.command("shipway", "run", "main")

    def rollback(self) -> str:
        """Roll back to the previous version."""
        done = self.command("shipway", "rollback", "staging")
        self.command("shipway", "resume", "staging")
        return done

    def cut(self) -> int:
        """Connections that outlived `drain`, according to the ledger."""
        import sqlite3

        with sqlite3.connect(Path(self.env["SHIPWAY_HOME"]) / "ledger.db") as ledger:
            found = ledger.execute("SELECT detail FROM evidence WHERE kind = 'drain'").fetchall()
        return sum(int(detail.split(" open")[0].rsplit(" ", 1)[1]) for (detail,) in found)

    def command(self, *args: str) -> str:
        """Run it and return its output; RuntimeError if it fails."""
        done = subprocess.run(
            args, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(args)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


def rows() -> list[Row]:
    """All rows of this theme."""
    begun, broken = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
    with tempfile.TemporaryDirectory() as folder:
        for name, standby in [*((name, "0s") for name in STRATEGIES), *((name, "10m") for name in AGAIN)]:
            for kind, why in _switches(Path(folder), name, standby, "60s", begun):
                print(f"held: {name}, standby {standby}: {kind}: {why}", file=sys.stderr)
                broken[kind] += 1
        usual = sum(kind == KINDS[0] for kind, _ in _switches(Path(folder), "blue-green", "0s", None, {}))
        cut, failed = _outliving(Path(folder))
    what = f"in {2 * (len(STRATEGIES) + len(AGAIN))} switches, drain 60s"
    return [
        *(Row(f"{kind} broken, of {begun[kind]} {what}", broken[kind], "broken", 0) for kind in KINDS),
        Row("10 s answers broken with the default drain", usual, "broken", 0),
        Row("requests that outlived drain, but were not counted as cut", abs(failed - cut), "", 0),
    ]


def _switches(
    folder: Path, strategy: str, standby: str, drain: str | None, begun: dict[str, int]
) -> list[tuple[str, str]]:
    """A deployment and a rollback, each with requests of all kinds in progress; returns the broken ones."""
    broken = []
    with App(folder, STRATEGIES[strategy], standby, drain) as app:
        for command in (app.deploy, app.rollback):
            with Held(app.host, app.port) as held:
                command()
            broken += held.broken
            for kind, count in held.begun.items():
                begun[kind] = begun.get(kind, 0) + count
    return broken


def _outliving(folder: Path) -> tuple[int, int]:
    """With a drain of 3 s: connections that the ledger counts as cut, and requests that failed."""
    with App(folder, "blue-green", "0s", "3s") as app:
        with Held(app.host, app.port, pieces=60) as held:
            app.deploy()
        time.sleep(1)
        return app.cut(), len(held.broken)
