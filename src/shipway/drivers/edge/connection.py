"""HTTP to the edge over any connection to its host, such as a tunnel."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Dial = Callable[[tuple[str, int], float], socket.socket]
"""Connects to (host, port), as the edge's own machine sees them, within so many seconds; OSError where it can't."""

TIMEOUT = 5.0


@dataclass(frozen=True)
class Answer:
    """Status, headers and body."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Connection:
    """A connection that is kept open between requests. `tls`: the requested server name; the certificate isn't
    verified."""

    def __init__(self, dial: Dial, host: str, port: int, *, tls: str | None = None) -> None:
        self._http = _Dialled(dial, host, port, tls)

    def ask(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request. OSError or HTTPException without an answer; the next request then reconnects."""
        try:
            self._http.request(method, path, body, dict(headers or {}))
            response = self._http.getresponse()
            return Answer(response.status, response.headers, response.read())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close it. No error if it is closed."""
        self._http.close()


class _Dialled(http.client.HTTPConnection):
    def __init__(self, dial: Dial, host: str, port: int, tls: str | None) -> None:
        super().__init__(host, port, timeout=TIMEOUT)
        self._dial = dial
        self._tls = tls

    def connect(self) -> None:
        self.sock = self._dial((self.host, self.port), TIMEOUT)
        if self.sock.family in (socket.AF_INET, socket.AF_INET6):  # else a body waits 40 ms for the head's ACK
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock, server_hostname=self._tls)
