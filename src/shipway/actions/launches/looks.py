"""The looks of a system test."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shipway.actions.launches import public
from shipway.actions.launches.addresses import public_address
from shipway.actions.launches.each_host import each_host
from shipway.actions.launches.testing import UnderTest
from shipway.domain.system_test import Result

Look = Callable[[UnderTest], Sequence[Result]]
# THE table of looks: name, what it does, and the seconds that it may take. That of `load` is added to its duration.
LOOKS: tuple[tuple[str, Look, float], ...] = (
    ("public address", public_address, 60.0),
    ("hosts", each_host, 240.0),
    ("TLS", public.tls, 120.0),
    ("redirects", public.redirects, 60.0),
    ("security headers", public.headers, 60.0),
    ("services", public.services, 120.0),
    ("private paths", public.private_paths, 180.0),
    ("search engines", public.search_engines, 60.0),
    ("closed ports", public.closed_ports, 120.0),
    ("load", public.load, 120.0),
)


def limit(name: str, seconds: float, test: UnderTest) -> float:
    """The seconds that a look may take."""
    more = sum(item.load.duration for item in test.asked if item.load) if name == "load" else 0.0
    return seconds + more
