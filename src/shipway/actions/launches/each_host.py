"""The looks at each host of an environment with several: a visitor may be led to any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shipway.actions.launches import public
from shipway.actions.launches.addresses import hosts_at, led_to, visited
from shipway.actions.launches.launching import addresses_of
from shipway.actions.launches.testing import UnderTest, visiting
from shipway.domain import names
from shipway.domain.count import counted
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import LOCAL, Host
from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Result
from shipway.system.parallel import side_by_side


def each_host(test: UnderTest) -> Sequence[Result]:
    """Edge, release and page of each host; TLS, redirects and services past the page of those after the first, which the other
    looks visit; and the port from this machine, where DNS doesn't lead to the host."""
    hosts = test.environment.hosts
    if len(hosts) < 2:
        return []
    found = side_by_side(lambda host: [*_inside(test, host), *_outside(test, host)], hosts)
    return [item for each in found for item in each]


def _inside(test: UnderTest, host: Host) -> Sequence[Result]:
    called, where = f"host {host.name}", test.environment
    try:
        here = replace(test, ctx=test.ctx.on(host.name))
        if problem := _problem(test, here):
            return [Result(called, FAILED, f"{host.name}: {problem}", f"shipway doctor {where.name} --fix")]
        if host == where.hosts[0]:
            return [Result(called, PASSED, f"its edge serves release {test.release.number}")]
        with visiting(here) as visit:
            seen = [*public.tls(visit), *public.redirects(visit), *public.routes(visit)]
    except ShipwayError as error:
        hint = error.hint or f"shipway doctor {where.name}"
        return [Result(called, FAILED, f"{host.name}: {error.message}", hint)]
    except OSError as error:
        why = f"the edge of {host.name} doesn't answer: {error}"
        return [Result(called, FAILED, why, f"shipway doctor {where.name} --fix")]
    if failed := [item for item in seen if item.outcome == FAILED]:
        return [replace(item, name=f"{item.name} on {host.name}") for item in failed]
    passed = sum(item.outcome == PASSED for item in seen)
    return [
        Result(called, PASSED, f"its edge serves release {test.release.number}; {counted(passed, 'test')} of it passed")
    ]


def _problem(test: UnderTest, here: UnderTest) -> str:
    """Why the host's edge doesn't serve what the first one does."""
    owner = names.route_owner(test.release.app, test.environment.name)
    edge, first = here.ctx.edge, test.environment.hosts[0].name
    if down := edge.down():
        return f"its edge is down ({', '.join(down)}): requests get no answer"
    number = (edge.routes(owner) or {}).get("release")
    if number != test.release.number:
        serves = f"release {number}" if number is not None else "nothing of the environment"
        return f"its edge serves {serves}, not release {test.release.number}"
    held, usual = edge.maintained(owner), test.ctx.edge.maintained(owner)
    if held != usual:
        return f"visitors see {'a page' if held else 'the release'} there, and {'a page' if usual else 'the release'} on {first}"
    return ""


def _outside(test: UnderTest, host: Host) -> Sequence[Result]:
    """From this machine, unless DNS leads there: `public_address` visits it then."""
    if host.name == LOCAL:
        return []
    called, where = f"port {test.environment.port} of {host.name}", test.environment
    addresses, why = addresses_of(test.ctx, host.name)
    if why:
        return [Result(called, NOT_TESTED, why)]
    led = led_to(test)
    if any(address in led for address in addresses):
        return []
    seen = [visited(test, called, address, where.domain, host.name) for address in addresses]
    for item in seen:
        if item.outcome == PASSED:
            return [replace(item, detail=f"{item.detail}; no public name leads there")]
    if not hosts_at(test, list(led)):
        why = f"the names lead to other addresses than the hosts', and from here {seen[0].detail}"
        return [Result(called, NOT_TESTED, why)]
    return seen[:1]
