"""Ask the edge itself whether new routes are in effect."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable

from shipway.domain.container import Publish
from shipway.drivers.edge.dynamic import HEADER_ROUTES, Public

DEADLINE = 10.0
INTERVAL = 0.01
UNREACHABLE = (502, 504)  # the edge's own answers where it can't reach the container


def answers_with(port: Publish, where: Public, version: str) -> Callable[[], str | None]:
    """A question: does the edge route by this table, to a container that answers? None is yes, else what it saw."""

    def ask() -> str | None:
        status, headers = _get(port, where)
        if headers.get(HEADER_ROUTES) != version:
            return f"it answers with {status}, still by other routes"
        return f"it can't reach the container: {status}" if status in UNREACHABLE else None

    return ask


def answers_without(port: Publish, where: Public, version: str) -> Callable[[], str | None]:
    """A question: has the edge dropped this table?"""

    def ask() -> str | None:
        status, headers = _get(port, where)
        return f"it still answers with {status} by them" if headers.get(HEADER_ROUTES) == version else None

    return ask


def answers_at_all(port: Publish) -> Callable[[], str | None]:
    """A question: does the edge serve this port?"""

    def ask() -> str | None:
        _get(port, Public("shipway.invalid", port.host_port, (), "/"))
        return None

    return ask


def until(ask: Callable[[], str | None], deadline: float = DEADLINE) -> str | None:
    """Ask until it is so. None, or what was seen last when the deadline had passed."""
    end = time.monotonic() + deadline
    while True:
        try:
            seen = ask()
        except (OSError, http.client.HTTPException) as error:
            seen = f"no answer: {error or type(error).__name__}"
        if seen is None or time.monotonic() > end:
            return seen
        time.sleep(INTERVAL)


def _get(port: Publish, where: Public) -> tuple[int, http.client.HTTPMessage]:
    address = "127.0.0.1" if port.address in ("", "0.0.0.0") else port.address
    connection = http.client.HTTPConnection(address, port.host_port, timeout=2)
    try:
        connection.request("GET", where.health, headers={"Host": f"{where.host}:{where.port}"})
        response = connection.getresponse()
        return response.status, response.headers
    finally:
        connection.close()
