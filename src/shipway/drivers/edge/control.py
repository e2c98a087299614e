"""Shipway's private access to the edge, its route files and counters, at an unpublished port.

The edge's plugin answers there (`plugin/shipway.go`): a call takes a few milliseconds; through the engine (an archive
of a folder, a command in the container) it would take ten times as long.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.errors import EdgeError, EngineError
from shipway.drivers.edge.dynamic import HEADER_TOKEN
from shipway.ports import Dial
from shipway.system.http import Answer, Connection

TIMEOUT = 30.0  # seconds for connecting, and for each silence: on a machine that builds images the edge is slow
STARTING = 60.0  # seconds in which one that was started, perhaps by another deployment, listens and reads its files
PAUSE = 0.1  # seconds between two attempts
UNREAD = b"404 page not found"  # Traefik's own answer where no router matches: the plugin's texts are others
PORT = 9  # inside the container; serves nothing else
FILES = "/routes/"
METRICS = "/metrics"
AUTHORITY = "/authority/"


@contextmanager
def as_edge_error() -> Iterator[None]:
    """Errors of the engine as those of the edge."""
    try:
        yield
    except EngineError as error:
        raise EdgeError(f"the edge: {error.message}", hint=error.hint) from error


class Control:
    """The control port of one running edge. Raises EdgeError. Not thread-safe."""

    def __init__(self, dial: Dial, address: str, token: str) -> None:
        self._connection = Connection(address, PORT, TIMEOUT, dial=dial)
        self._token = token

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def answers(self) -> str | None:
        """None if it answers, else a message. Raises OSError unchanged."""
        answer = self._send("GET", FILES)
        return None if answer.status == 200 else f"its control port returns status {answer.status}"

    def files(self) -> dict[str, str]:
        """Content of each route file by name."""
        found: dict[str, str] = json.loads(self._ask("GET", FILES))
        return found

    def write(self, file: str, content: str) -> None:
        """Replace a file by renaming."""
        self._ask("PUT", FILES + file, content.encode())

    def delete(self, file: str) -> None:
        """Delete a file. A missing one is no error."""
        self._ask("DELETE", FILES + file)

    def authority(self) -> str:
        """Certificate (PEM) of the edge's local CA, which is created on first use."""
        return self._ask("GET", AUTHORITY).decode()

    def certify(self, host: str) -> None:
        """Issue a certificate of the local CA for a host; the edge renews it automatically."""
        self._ask("PUT", AUTHORITY + host)

    def metrics(self) -> str:
        """The metrics in Prometheus's text format."""
        return self._ask("GET", METRICS).decode()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            answer = self._patiently(method, path, body)
        except OSError as error:
            raise EdgeError(f"the edge's control port doesn't answer: {error or type(error).__name__}") from error
        if answer.status != 200:
            text = answer.body.decode(errors="replace").strip()
            raise EdgeError(f"the edge's control port returns status {answer.status}: {text}")
        return answer.body

    def _patiently(self, method: str, path: str, body: bytes | None) -> Answer:
        """Retry while the edge starts: it refuses connections first, then has no routes. Neither changes anything."""
        until = time.monotonic() + STARTING
        while True:
            try:
                answer = self._send(method, path, body)
                if answer.status != 404 or answer.body.strip() != UNREAD or time.monotonic() >= until:
                    return answer
            except ConnectionRefusedError:
                if time.monotonic() >= until:
                    raise
            time.sleep(PAUSE)

    def _send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        return self._connection.ask(method, path, body, {HEADER_TOKEN: self._token})
