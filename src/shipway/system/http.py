"""One probe of a container or the edge, and its result as a message."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.ports import Dial

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
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.sock = dial((host, port), timeout)
        connection.request("GET", path, headers={"User-Agent": AGENT, **(headers or {})})
        answer = connection.getresponse()
        body = answer.read(BODY * 4).decode("utf-8", "replace")[:BODY].strip()
        words = _words(answer.status, path, answer.getheader("Location"), body)
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Probe(200 <= answer.status <= 299, answer.status, words, found)
    except (OSError, http.client.HTTPException) as error:
        return Probe(False, None, _failure(error, timeout))
    finally:
        connection.close()


def probe_tcp(host: str, port: int, timeout: float, *, dial: Dial = socket.create_connection) -> Probe:
    """Whether something listens."""
    try:
        with dial((host, port), timeout):
            return Probe(True, None, "it listens")
    except OSError as error:
        return Probe(False, None, _failure(error, timeout))


def _words(status: int, path: str, location: str | None, body: str) -> str:
    if 300 <= status <= 399:
        if (location or "").startswith("https:"):
            return f"{status} redirect to {location}: it asks for HTTPS: add `headers: {{X-Forwarded-Proto: https}}` to its health check where TLS ends before this edge"
        return f"{status} redirect to {location or 'nowhere'}: give the final path"
    if status == 404:
        return f"404: nothing at {path}"
    return f"{status}: {body}" if body and status >= 400 else str(status)


def _failure(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens on the port yet"
    return str(error) or type(error).__name__
