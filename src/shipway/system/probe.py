"""One probe of a container or the edge, and its result as a message."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass
from shipway.ports import Dial
from shipway.system.http import Connection
from shipway.system.redact import shortened

BODY = 200  # characters shown of a failed response
AGENT = "shipway-probe"  # the User-Agent that distinguishes probes from visitors in an access log


@dataclass(frozen=True)
class Probe:
    """The outcome: status is None without an HTTP response."""

    ok: bool
    status: int | None
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case


def probe(
    host: str,
    port: int,
    path: str,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    *,
    dial: Dial = socket.create_connection,
) -> Probe:
    """One GET; 200 to 299 is ok. Redirects are not followed: a health path must answer itself."""  # fmt: skip
    try:
        with Connection(host, port, timeout, dial=dial) as connection:
            response = connection.request("GET", path, headers={"User-Agent": AGENT, **(headers or {})})
            body = response.read(BODY * 4).decode("utf-8", "replace")
    except OSError as error:
        return Probe(False, None, _failure(error, timeout))
    ok = 200 <= response.status <= 299
    shown = "" if ok else shortened(body, BODY).strip()
    words = _words(response.status, path, response.headers.get("Location"), shown)
    found = {name.lower(): value for name, value in response.headers.items()}
    return Probe(ok, response.status, words, found)


def probe_tcp(host: str, port: int, timeout: float, *, dial: Dial = socket.create_connection) -> Probe:
    """Whether a program listens on the port."""
    try:
        with dial((host, port), timeout):
            return Probe(True, None, "it listens")
    except OSError as error:
        return Probe(False, None, _failure(error, timeout))


def _words(status: int, path: str, location: str | None, body: str) -> str:
    if 300 <= status <= 399:
        if (location or "").startswith("https:"):
            return f"{status} redirect to {location}: it requires HTTPS: if TLS ends before this edge, add `headers: {{X-Forwarded-Proto: https}}` to its health check"
        return f"{status} redirect to {location or 'nowhere'}: use the final path"
    if status == 404:
        return f"404: {path} not found"
    return f"{status}: {body}" if body and status >= 400 else str(status)


def _failure(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens on the port yet"
    return str(error) or type(error).__name__
