"""Ask the edge itself what is in effect, over its public ports."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from typing import Any

from shipway.domain.container import Publish
from shipway.drivers.edge.dynamic import HEADER_RELEASE, HEADER_ROUTES, mark, public, version

INTERVAL = 0.01
UNREACHABLE = (502, 504)  # the edge's own answers where it can't reach the container

Question = Callable[[], str | None]  # None: it is so; else what is seen instead


def listens(port: Publish) -> Question:
    """Does the edge serve this port?"""

    def ask() -> None:
        _get(port, "shipway.invalid", "/")

    return ask


def routed(owner: str, table: Mapping[str, Any], port: Publish) -> Question:
    """Does it route by this table?"""

    def ask() -> str | None:
        status, headers = _get(port, public(table).host, mark(owner))
        return None if headers.get(HEADER_ROUTES) == version(table) else f"other routes are still in effect ({status})"

    return ask


def not_routed(owner: str, table: Mapping[str, Any], port: Publish) -> Question:
    """Has it dropped all routes of the owner?"""

    def ask() -> str | None:
        _, headers = _get(port, public(table).host, mark(owner))
        return "they are still in effect" if HEADER_ROUTES in headers else None

    return ask


def reached(table: Mapping[str, Any], port: Publish) -> Question:
    """Does the first route's container answer through it?"""

    def ask() -> str | None:
        where = public(table)
        status, headers = _get(port, where.host, where.health)
        if status in UNREACHABLE:
            return f"it can't reach {table['routes'][0]['groups'][0]['upstreams'][0]} ({status})"
        release = headers.get(HEADER_RELEASE)
        return None if release == str(table["release"]) else f"{where.health} is answered by release {release}"

    return ask


def until(*questions: Question, deadline: float) -> str | None:
    """Ask one after the other until each is so. None, or what was seen last after `deadline` seconds."""
    end = time.monotonic() + deadline
    for ask in questions:
        while True:
            try:
                seen = ask()
            except (OSError, http.client.HTTPException) as error:
                seen = f"no answer ({error or type(error).__name__})"
            if seen is None:
                break
            if time.monotonic() > end:
                return seen
            time.sleep(INTERVAL)
    return None


def _get(port: Publish, host: str, path: str) -> tuple[int, http.client.HTTPMessage]:
    address = "127.0.0.1" if port.address in ("", "0.0.0.0") else port.address
    connection = http.client.HTTPConnection(address, port.host_port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port.host_port}"})
        response = connection.getresponse()
        return response.status, response.headers
    finally:
        connection.close()
