"""Visits from this machine to single addresses: those that DNS gives for the public names, and those of the hosts."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from functools import partial

from shipway.actions.environment.at_edge import at_edge_of
from shipway.actions.launches.launching import addresses_of, is_here, resolved
from shipway.actions.launches.testing import UnderTest, authorities
from shipway.domain import names
from shipway.domain import system_test as judge
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import LOCAL
from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Page, Result
from shipway.system.parallel import side_by_side
from shipway.system.visitor import Visitor

NO_NETWORK = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def led_to(test: UnderTest) -> dict[str, str]:
    """The addresses that DNS gives for the public names, each with the first name that has it."""
    found: dict[str, str] = {}
    for name in test.environment.exact_names:
        for address in resolved(name):
            found.setdefault(address, name)
    return found


def hosts_at(test: UnderTest, addresses: Sequence[str]) -> dict[str, str]:
    """Of these addresses, those of the environment's hosts, each with the host's name."""
    found: dict[str, str] = {}
    for host in test.environment.hosts:
        if host.name != LOCAL:
            found |= {address: host.name for address in addresses_of(test.ctx, host.name)[0] if address in addresses}
    local = any(host.name == LOCAL for host in test.environment.hosts)
    return {**({address: LOCAL for address in addresses if is_here(address)} if local else {}), **found}


def public_address(test: UnderTest) -> Sequence[Result]:
    """Whether an edge of the environment answers at each address to which DNS leads visitors."""
    where = test.environment
    found = led_to(test)
    if where.domain not in found.values():
        return [
            Result(
                "public address", FAILED, f"{where.domain} doesn't resolve", "add a record that leads it to the hosts"
            )
        ]
    hosts = hosts_at(test, list(found))

    def one(pair: tuple[str, str]) -> Result:
        address, name = pair
        on = f" ({hosts[address]})" if len(where.hosts) > 1 and address in hosts else ""
        called = "public address" if len(found) == 1 else f"public address {address}{on}"
        return visited(test, called, address, name, hosts.get(address, ""))

    return side_by_side(one, found.items())


def visited(test: UnderTest, called: str, address: str, name: str, host: str = "") -> Result:
    """What a visitor gets who is led to this address by this name. host: whose address it is, if that is known."""
    where, url = test.environment, test.url(host=name)
    port, shown = where.port, f"port {where.port} of {host or address}"
    visitor = Visitor(partial(_dial, address), _authority(test))
    mark = test.url(names.mark(names.route_owner(test.release.app, where.name)))
    own = _usual(test, host, mark)
    try:
        seen = visitor.get(url)
        problem = visitor.handshake(name, port).problem if where.scheme == "https" else ""
        marked = own is None or _same(own, visitor.get(mark))
    except OSError as error:
        if ":" in address and error.errno in NO_NETWORK:
            return Result(called, NOT_TESTED, f"this machine reaches no IPv6 address, such as {address}")
        hint = f"open the port in the firewall of {host or address}, or take the address out of the records of {name}"
        return Result(called, FAILED, f"{shown} doesn't answer at {address}: {error}", hint)
    if problem:
        hint = f"something other than the edge may answer at {address}: `shipway doctor {where.name}` checks the hosts"
        return Result(called, FAILED, f"the certificate of {name} at {address}: {problem}", hint)
    found = judge.of_address(called, f"{url} at {address}", seen, _usual(test, host, url), held=_held(test))
    if found.outcome == PASSED and not marked:
        why = f"{url} at {address} answers with {seen.status}, but it is not the edge of {host}"
        return Result(called, FAILED, why, judge.OTHER)
    return found


def _same(mark: Page, other: Page) -> bool:
    return mark.headers.get(names.MARK.lower()) == other.headers.get(names.MARK.lower())


def _dial(address: str, where: tuple[str, int], timeout: float) -> socket.socket:
    return socket.create_connection((address, where[1]), timeout)


def _authority(test: UnderTest) -> str:
    """Of all hosts: each has a local CA of its own."""
    found = []
    for host in test.environment.hosts:
        try:
            found.append(authorities(test.ctx.on(host.name), test.environment))
        except ShipwayError:  # see `each_host`
            continue
    return "\n".join(dict.fromkeys(filter(None, found)))


def _held(test: UnderTest) -> bool:
    """Whether visitors should see a page."""
    return test.ctx.edge.maintained(names.route_owner(test.release.app, test.environment.name))


def _usual(test: UnderTest, host: str, url: str) -> Page | None:
    """What the host's edge answers on the host itself; None if that is not known, or depends on who asks."""
    if not host or test.environment.access.allow:
        return None
    try:
        return Visitor(at_edge_of(test.ctx.on(host))).get(url)
    except (ShipwayError, OSError):  # see `each_host`
        return None
