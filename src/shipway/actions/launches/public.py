"""Shipway's own looks at a public address: each returns results, and raises nothing that a visitor could cause."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from shipway.actions.environment.observe import observe
from shipway.actions.launches.launching import addresses_of
from shipway.actions.launches.testing import UnderTest
from shipway.domain import system_test as judge
from shipway.domain.container import LABEL_NAME
from shipway.domain.count import counted
from shipway.domain.desired import published
from shipway.domain.errors import EngineError
from shipway.domain.observed import release_of
from shipway.domain.plan import LOCAL, Host, Service
from shipway.domain.system_test import FAILED, NOT_TESTED, PASSED, Page, Result
from shipway.system.exposed import PRIVATE, is_exposed
from shipway.system.load import drive
from shipway.system.parallel import side_by_side

ENGINE = (2375, 2376)  # ports of an engine's API: whoever reaches it owns the host
ODD = "/shipway-system-test?a=1&b=2"
SHORTEST = 8  # characters of a secret that no page has by chance
USUAL = ("Strict-Transport-Security", "X-Content-Type-Options")
CLOSED = 3.0  # seconds to wait for a connection that should not come about


def tls(test: UnderTest) -> Sequence[Result]:
    """Versions, chain, names and expiry."""
    where = test.environment
    if where.scheme != "https":
        return [Result("TLS", NOT_TESTED, "the address is http")]
    least = judge.EXPIRES if not (where.certificate or {}).get("internal") else 3600.0  # the local CA renews by itself
    found = []
    for name in dict.fromkeys((*where.exact_names, *where.redirects)):
        if name.startswith("*"):
            continue
        found.append(judge.of_certificate(name, test.visitor.handshake(name, where.port), test.ctx.clock(), least))
    for name in where.public_names:
        if name.startswith("*"):
            found.append(Result(f"certificate of {name}", NOT_TESTED, "a wildcard stands for no single name"))
    seen = {version: test.visitor.handshake(where.domain, where.port, version) for version in (*judge.OLD, *judge.NEW)}
    return [*found, *judge.of_protocols(seen)]


def redirects(test: UnderTest) -> Sequence[Result]:
    """Plain HTTP, and the names that redirect."""
    where = test.environment
    found = []
    if where.scheme == "https" and where.port == 443:
        source = test.url(ODD, scheme="http")
        found.append(judge.of_redirect(test.url(scheme="http"), test.url(ODD), test.visitor.get(source)))
    else:
        why = "the address is http" if where.scheme == "http" else f"only port 443 has one, this is {where.port}"
        found.append(Result("redirect of http", NOT_TESTED, why))
    for name in where.redirects:
        found.append(judge.of_redirect(name, test.url(ODD), test.visitor.get(test.url(ODD, host=name))))
    for name in where.aliases:
        if name.startswith("*"):
            found.append(Result(f"alias {name}", NOT_TESTED, "a wildcard stands for no single name"))
            continue
        status = test.visitor.get(test.url(host=name)).status
        hint = "" if status < 500 else f"shipway doctor {where.name}"
        found.append(Result(f"alias {name}", PASSED if status < 500 else FAILED, f"answers with {status}", hint))
    return found


def headers(test: UnderTest) -> Sequence[Result]:
    """Security headers of the first page."""
    where = test.environment
    own = [asked.headers for asked in test.asked if asked.headers is not None]
    public = where.scheme == "https" and not (where.certificate or {}).get("internal")
    required = [name for each in own for name in each] if own else list(USUAL if public else ())
    if not required:
        why = "the plan asks for none" if own else "the address has no public certificate, and the plan asks for none"
        return [Result("security headers", NOT_TESTED, f"{why} (`launch: {{headers: […]}}`)")]
    return judge.of_headers(_first_page(test), list(dict.fromkeys(required)))


def services(test: UnderTest) -> Sequence[Result]:
    """Each service with a route by the public name; of the others, that they run, on every host."""
    plan, where = test.release.plan, test.environment
    running = {host.name: _running(test, host) for host in where.hosts}
    found = []
    for service in plan.services.values():
        called = f"service {service.name}"
        if service.route:
            found.append(_answered(test, service))
            continue
        planned = test.settings.adjustments.replicas.get(
            service.name, where.replicas.get(service.name, service.replicas)
        )
        if not planned:
            found.append(Result(called, NOT_TESTED, "it has no replicas here"))
            continue
        absent = [host for host, names in running.items() if service.name not in names]
        on = f" on {', '.join(absent)}" if len(where.hosts) > 1 else ""
        if absent:
            found.append(Result(called, FAILED, f"it doesn't run{on}", "shipway status"))
        else:
            found.append(Result(called, PASSED, "it runs; it has no public path"))
    return found


def routes(test: UnderTest) -> Sequence[Result]:
    """Each service with a route by the public name."""
    return [_answered(test, service) for service in test.release.plan.services.values() if service.route]


def _running(test: UnderTest, host: Host) -> set[str]:
    """Names of the release's services that run on a host; none if it can't be reached."""
    try:
        seen = observe(test.ctx.on(host.name), test.release.app, test.environment.name, routes=False).services
    except EngineError:  # see `each_host`
        return set()
    number = test.release.number
    return {item.labels.get(LABEL_NAME, "") for item in seen if item.running and release_of(item) == number}


def _answered(test: UnderTest, service: Service) -> Result:
    where = test.environment
    url = test.url(
        _health_path(service), host=next(iter(where.domains.get(service.name, ())), "").replace("*.", "www.")
    )
    given = dict(service.health.headers) if service.health and service.health.path else {}
    status = test.visitor.get(url, given).status
    good = 200 <= status < 300 if service.health and service.health.path and _is_public(service) else status < 500
    hint = "" if good else f"shipway logs {where.name} {service.name}"
    return Result(f"service {service.name}", PASSED if good else FAILED, f"{url} answers with {status}", hint)


def _is_public(service: Service) -> bool:
    """Whether the health path is below the route."""
    path, route = (service.health.path or "") if service.health else "", (service.route or "").rstrip("/")
    return service.routing.strip or path == route or path.startswith(f"{route}/")


def _health_path(service: Service) -> str:
    path, route = (service.health.path or "/") if service.health else "/", (service.route or "").rstrip("/")
    if not _is_public(service):
        return service.route or "/"
    return f"{route}{path}" if service.routing.strip else path


def private_paths(test: UnderTest) -> Sequence[Result]:
    """Files that are often left in a public folder, on each public name; and values of secrets in what was answered."""
    exposed, leaked, asked = list[str](), set[str](), 0
    known = {name: value for name, value in test.settings.secrets.items() if len(value) >= SHORTEST}
    for name in test.environment.exact_names:
        for path in ("/", *PRIVATE):
            page = test.visitor.get(test.url(path, host=name))
            asked += 1
            if path in PRIVATE and is_exposed(path, page):
                exposed.append(test.url(path, host=name))
            text = page.body.decode("utf-8", "replace")
            leaked |= {secret for secret, value in known.items() if value in text}
    results = [judge.of_exposure(exposed, asked - len(test.environment.exact_names))]
    if leaked:
        hint = "rotate them, and remove them from what the services answer"
        return [*results, Result("secrets in responses", FAILED, f"a page shows {', '.join(sorted(leaked))}", hint)]
    return [*results, Result("secrets in responses", PASSED, f"none of {len(known)} in {asked} responses")]


def search_engines(test: UnderTest) -> Sequence[Result]:
    """Whether they are kept out, or not, as the plan says."""
    wanted = {asked.index for asked in test.asked if asked.index is not None}
    if not wanted:
        return [Result("search engines", NOT_TESTED, "the plan doesn't say (`launch: {index: true}` or false)")]
    closed = test.environment.access.users is not None
    page, robots = _first_page(test), test.visitor.get(test.url("/robots.txt"))
    return [judge.of_index(page, robots, wanted=item, closed=closed) for item in sorted(wanted)]


def closed_ports(test: UnderTest) -> Sequence[Result]:
    """Ports of the accessories and of the engine, from this machine: only the public ones may answer."""
    return side_by_side(lambda host: _closed_ports_of(test, host), test.environment.hosts)


def _closed_ports_of(test: UnderTest, host: Host) -> Result:
    plan, where = test.release.plan, test.environment
    called = f"closed ports of {host.name}"
    if host.name == LOCAL:
        return Result(called, NOT_TESTED, "this machine is the host, so it can't be asked from outside")
    addresses, why = addresses_of(test.ctx, host.name)
    if why:
        return Result(called, NOT_TESTED, why)
    own = {published(plan, where, item): item.name for item in plan.own_accessories.values()}
    kinds = {test.ctx.kind(item).port_of(item): item.name for item in plan.own_accessories.values()}
    known = {**dict.fromkeys(ENGINE, "the engine"), **kinds, **own}
    ports = {port: known[port] for port in sorted(filter(None, known)) if port != where.port}
    pairs = [(address, port) for port in ports for address in addresses]
    seen = side_by_side(lambda pair: _answers(*pair), pairs)  # one that a firewall drops takes seconds
    found = dict.fromkeys(port for (_, port), answers in zip(pairs, seen, strict=True) if answers)
    if found:
        hint = "close them in the firewall, and publish accessories only on a private `address`"
        listed = ", ".join(f"{port} ({ports[port]})" for port in found)
        return Result(called, FAILED, f"open from here: {listed}", hint)
    return Result(called, PASSED, f"{counted(len(ports), 'port')} closed at {', '.join(addresses)}")


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), CLOSED):
            return True
    except OSError:
        return False


def load(test: UnderTest) -> Sequence[Result]:
    """Requests at a steady rate, for each load that is asked for."""
    found = []
    for asked in dict.fromkeys(item.load for item in test.asked if item.load is not None):
        url = test.url(asked.path)
        seen = drive(lambda url=url: test.visitor.sender(url), asked.rate, asked.duration, stop=test.ctx.cancelled)  # type: ignore[misc]
        found.append(judge.of_load(asked, seen.seconds, seen.errors, behind=seen.behind))
    return found or [Result("load", NOT_TESTED, "the plan asks for none (`launch: {load: {rate: 20, duration: 60s}}`)")]


def _first_page(test: UnderTest) -> Page:
    return test.visitor.get(test.url("/"))
