"""Connections to the edge's public ports of a host, regardless of DNS and of networks in between; expiry of certificates."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from shipway.context import Context
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import Environment

if TYPE_CHECKING:
    from shipway.ports import Dial

QUICK = 2.0  # seconds for a look at a certificate


def at_edge_of(ctx: Context) -> Dial:
    """A dial to this host's edge for every address, at its port."""

    def dial(where: tuple[str, int], timeout: float) -> socket.socket:
        return ctx.machine.dial(("127.0.0.1", where[1]), timeout)

    return dial


def expiries(ctx: Context, environment: Environment) -> dict[str, float]:
    """When the certificates expire that the environment's edges serve (seconds since the epoch, the soonest of all hosts), by
    name; without those that none serves."""
    if environment.scheme != "https":
        return {}
    from shipway.system.visitor import Visitor  # its import takes long

    found = dict[str, float]()
    for host in environment.hosts:
        try:
            visitor = Visitor(at_edge_of(ctx.on(host.name)), timeout=QUICK)
        except ShipwayError:  # reported by whatever needs the host
            continue
        for name in environment.exact_names:
            seen = visitor.handshake(name, environment.port, verified=False)
            if seen.expires is None:
                break  # nothing listens there
            found[name] = min(seen.expires, found.get(name, seen.expires))
    return found
