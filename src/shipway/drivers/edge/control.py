"""What only Shipway asks of the edge: its files of routes and its counters, at a port that isn't published.

The edge's plugin answers there (`plugin/shipway.go`): a call takes a few milliseconds, where one by the engine
(an archive of a folder, a command in the container) takes ten times as long.
"""

from __future__ import annotations

import http.client
import json

from shipway.domain.errors import EdgeError
from shipway.drivers.edge.connection import Answer, Connection, Dial

PORT = 9  # inside the container; nothing else is served there
FILES = "/routes/"
METRICS = "/metrics"
AUTHORITY = "/authority/"


class Control:
    """The control port of one running edge. Raises EdgeError. Not for several threads at once."""

    def __init__(self, dial: Dial, address: str, token: str) -> None:
        self._connection = Connection(dial, address, PORT)
        self._token = token

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def answers(self) -> str | None:
        """None where it does, else what is seen instead. OSError and HTTPException as they come."""
        answer = self._send("GET", FILES)
        return None if answer.status == 200 else f"its control port answers with {answer.status}"

    def files(self) -> dict[str, str]:
        """Name of each file of routes, and its content."""
        found: dict[str, str] = json.loads(self._ask("GET", FILES))
        return found

    def write(self, file: str, content: str) -> None:
        """Replace a file by a rename."""
        self._ask("PUT", FILES + file, content.encode())

    def delete(self, file: str) -> None:
        """A missing one is no error."""
        self._ask("DELETE", FILES + file)

    def authority(self) -> str:
        """Certificate of the edge's own authority, PEM; it is made when it is first asked for."""
        return self._ask("GET", AUTHORITY).decode()

    def certify(self, host: str) -> None:
        """Have a certificate of that authority for a host; the edge renews it by itself."""
        self._ask("PUT", AUTHORITY + host)

    def metrics(self) -> str:
        """In the text format of Prometheus."""
        return self._ask("GET", METRICS).decode()

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        try:
            answer = self._send(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise EdgeError(f"the edge's control port doesn't answer: {error or type(error).__name__}") from error
        if answer.status != 200:
            said = answer.body.decode(errors="replace").strip()
            raise EdgeError(f"the edge's control port answers with {answer.status}: {said}")
        return answer.body

    def _send(self, method: str, path: str, body: bytes | None = None) -> Answer:
        return self._connection.ask(method, path, body=body, headers={"X-Shipway-Token": self._token})
