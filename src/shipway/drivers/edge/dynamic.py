"""Convert an owner's routes to Traefik's dynamic configuration and back. Pure.

The table itself is a comment in the first line of the file, so that one rename replaces both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shipway.domain import names
from shipway.domain.errors import EdgeError
from shipway.domain.release import digest_of
from shipway.domain.routes import hosts, releases
from shipway.domain.value import dataclass
from shipway.drivers.edge import route_options as options
from shipway.drivers.edge.route_options import host_rule, plugin

HEADER_RELEASE = "X-Shipway-Release"  # of every response: the release that sent it
HEADER_TOKEN = "X-Shipway-Token"  # of Shipway's own requests
HEADER_ROUTES = names.MARK  # of a mark: the version of the configuration in effect
EXACT = 10_000  # above all prefixes of wildcards
ADMITTED = 100_000  # above every prefix
MARK_PRIORITY = 1_000_000  # above every prefix, and above a maintenance page
UNSEEN = {"accessLogs": False, "metrics": False, "tracing": False}  # Shipway's own requests
HTTP, HTTPS = 80, 443


@dataclass(frozen=True)
class Public:
    """A public address of the edge."""

    host: str
    port: int
    tls: Mapping[str, Any] | None = None  # how its certificate is obtained (`tls` of a table's url); None without HTTPS

    @property
    def authority(self) -> str:
        """The Host header that a browser sends."""
        return self.host if self.port == (HTTP if self.tls is None else HTTPS) else f"{self.host}:{self.port}"

    @property
    def internal(self) -> bool:
        """Whether the edge's local CA signs for it."""
        return self.tls is not None and "acme" not in self.tls and "own" not in self.tls

    @property
    def sample(self) -> str:
        """A host name that it matches: of a wildcard, any one."""
        return self.host.replace("*", "shipway-check", 1)

    @property
    def redirected(self) -> bool:
        """Whether plain HTTP redirects there."""
        return self.tls is not None and self.port == HTTPS

    @property
    def ports(self) -> Sequence[int]:
        """All that it needs."""
        return (self.port, HTTP) if self.redirected else (self.port,)


def address(url: Mapping[str, Any]) -> Public:
    """Parse the `url` of a table. EdgeError if it can't be routed."""
    _routable(url["host"], *url.get("aliases", ()), *url.get("domains", ()), *url.get("redirects", ()))
    tls = url.get("tls") or {"internal": True}
    return Public(str(url["host"]).lower(), int(url["port"]), tls if url.get("scheme") == "https" else None)


def _routable(*found: object) -> None:
    for host in found:
        if not re.fullmatch(r"(\*\.)?[A-Za-z0-9._-]+", str(host)):
            raise EdgeError(f"{host!r} is not a routable host name")


def certified(table: Mapping[str, Any]) -> list[Public]:
    """All addresses of a table that need a certificate."""
    where = public(table)
    names = (*hosts(table["url"]), *_redirects(table["url"]))
    return [replace(where, host=name) for name in dict.fromkeys(names)] if where.tls is not None else []


def names_differ(before: Mapping[str, Any] | None, table: Mapping[str, Any]) -> bool:
    """Whether a table has other names or certificates than the one before it."""
    return before is None or any(before.get(key) != table.get(key) for key in ("url", "certificates"))


def own_certificate(table: Mapping[str, Any]) -> str | None:
    """The plan's own certificate (PEM) of a table; None if a CA issues them."""
    return next((str(item["certificate"]) for item in table.get("certificates", ())), None)


def _redirects(url: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(name).lower() for name in url.get("redirects", ()))


def public(table: Mapping[str, Any]) -> Public:
    """The public address of a table. EdgeError if it can't be routed."""
    found, routes = address(table["url"]), table["routes"]
    for route in routes:
        _routable(*route.get("hosts", ()))
        if not re.fullmatch(r"/[^\s`]*", route["prefix"]):
            raise EdgeError(f"{route['prefix']!r} is not a routable path")
        if not route["groups"] or not all(group["upstreams"] for group in route["groups"]):
            raise EdgeError(f"route {route['prefix']} to {route['name']} has no containers")
    if "users" in table.get("access", {}) and not table["access"]["users"]:
        raise EdgeError("a route table that no user may use can't be applied")
    if not routes:
        raise EdgeError("a route table without routes can't be applied", hint="remove the owner's routes instead")
    return found


def version(content: object) -> str:
    """Short digest of a table or of any other plain data: the value of HEADER_ROUTES."""
    return digest_of(content).removeprefix("sha256:")[:12]


def mark(owner: str) -> str:
    """Public path at which the edge itself reports the owner's table in effect."""
    return names.mark(owner)


def reach(owner: str, release: int, health: str) -> str:
    """Public path that is routed to the health path of a release on the first route, regardless of its share."""
    _, question, query = health.partition("?")
    return f"{mark(owner)}/{release}{question}{query}"


def table_version(table: Mapping[str, Any], admitted: Sequence[str] = ()) -> str:
    """The value of HEADER_ROUTES at an owner's mark."""
    return version([table, *admitted]) if admitted else version(table)


def render(
    owner: str, table: Mapping[str, Any], known: Sequence[Mapping[str, Any]] = (), admitted: Sequence[str] = ()
) -> str:
    """The file of an owner. JSON is YAML; all names begin with the owner, so that owners never collide.

    known: the ACME settings of its container. admitted: addresses (of the environment's checks) that `access` of the
    table doesn't keep out.
    """
    where = public(table)
    if where.tls is not None and "acme" in where.tls:
        where = replace(where, tls={"acme": chosen(where.tls["acme"], known) or where.tls["acme"]})
    routers: dict[str, Any] = {}
    services: dict[str, object] = {}
    transports: dict[str, object] = {}
    guards = dict(options.access(owner, table))
    middlewares: dict[str, object] = {f"{owner}.identify": plugin(mode="identify"), **guards}
    for release in releases(table):
        middlewares[f"{owner}.{release}"] = adds(HEADER_RELEASE, str(release))
    for route in table["routes"]:
        name = f"{owner}.{route['name']}"
        groups = {f"{name}.{group['release']}": group for group in route["groups"]}
        own = {**dict(options.of_route(name, route)), **dict(options.retried(name, route))}
        middlewares.update(own)
        transports.update(options.transport(name, route))
        served = {
            part: options.balanced(name, route, group, secure=where.tls is not None) for part, group in groups.items()
        }
        services.update(served)
        chain, service = [f"{owner}.identify", *guards], next(iter(groups))
        if len(groups) == 1:
            chain.append(f"{owner}.{route['groups'][0]['release']}")
        else:
            service = name
            for part, group in groups.items():
                services[part] = {**served[part], "middlewares": [f"{owner}.{group['release']}"]}
            shares = [{"name": part, "weight": group["weight"]} for part, group in groups.items()]
            services[name] = {"weighted": {"services": shares}}
        for suffix, served_hosts, base in _by_precision(hosts(table["url"], route)):
            routers[f"{name}{suffix}"] = {
                **entry(where, served_hosts),
                "rule": _rule(served_hosts, _prefix(route)),
                "priority": base + len(_prefix(route)),  # the longest prefix wins
                "middlewares": [*chain, *own],
                "service": service,
            }
        if guards and admitted:
            free = [item for item in (*chain, *own) if item not in guards]
            inside = " || ".join(f"ClientIP(`{address}`)" for address in admitted)
            rule = f"{_rule(hosts(table['url'], route), _prefix(route))} && ({inside})"
            routers[f"{name}.-inside"] = {
                **entry(where, hosts(table["url"], route)), "service": service, "rule": rule, "priority": ADMITTED + len(_prefix(route)), "middlewares": free,
            }  # fmt: skip
    _add_marks(owner, table, where, routers, services, middlewares, table_version(table, admitted))
    _add_redirects(owner, table["url"], where, routers, middlewares)
    content = {"routers": routers, "services": services, "middlewares": middlewares}
    if transports:
        content["serversTransports"] = transports
    whole: dict[str, Any] = {"http": content}
    if "certificates" in table:
        pairs = [{"certFile": item["certificate"], "keyFile": item["key"]} for item in table["certificates"]]
        whole["tls"] = {"certificates": pairs}
    return f"# {to_line(table)}\n{to_line(whole)}\n"


def _by_precision(found: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """(suffix of the router's name, host names, base of its priority): exact names come before wildcards."""
    exact = tuple(host for host in found if not host.startswith("*"))
    if exact:
        yield "", exact, EXACT
    if len(exact) < len(found):
        yield ".-wildcard", tuple(host for host in found if host not in exact), 0


def _add_redirects(
    owner: str,
    url: Mapping[str, Any],
    where: Public,
    routers: dict[str, Any],
    middlewares: dict[str, object],
) -> None:
    """Redirect former host names to the url, and plain HTTP to HTTPS."""
    former = _redirects(url)
    plain: dict[str, object] = {"entryPoints": [entry_point(HTTP)], "priority": 1, "service": "noop@internal"}
    first = {"priority": EXACT}  # before a wildcard
    if former:
        name = f"{owner}.-moved"
        chain = {"rule": host_rule(former), "middlewares": [name], "service": "noop@internal"}
        routers[name] = {**entry(where, former), **chain, **first}
        middlewares[name] = options.moved(f"{'http' if where.tls is None else 'https'}://{where.authority}")
        if where.redirected:
            routers[f"{name}-plain"] = {**plain, **first, "rule": host_rule(former), "middlewares": [name]}
    if where.redirected:
        name = f"{owner}.-redirect"
        routers[name] = {**plain, "rule": host_rule(hosts(url)), "middlewares": [name]}
        middlewares[name] = {"redirectScheme": {"scheme": "https", "permanent": True}}


def _add_marks(
    owner: str,
    table: Mapping[str, Any],
    where: Public,
    routers: dict[str, object],
    services: dict[str, object],
    middlewares: dict[str, object],
    shown: str,
) -> None:
    """Add the reserved paths. Names of routes never begin with a hyphen, so there are no collisions. What is private is
    so there too: only Shipway itself reaches it."""
    routers[f"{owner}.-mark"] = mark_router(where, mark(owner), f"{owner}.-mark")
    middlewares[f"{owner}.-mark"] = adds(HEADER_ROUTES, shown)
    guard = []
    if "access" in table:
        guard = [f"{owner}.-guard", f"{owner}.-guarded"]
        middlewares[guard[0]] = plugin(mode="guard")
        middlewares[guard[1]] = {"headers": {"customRequestHeaders": {HEADER_TOKEN: ""}}}  # not for the service
    first = table["routes"][0]
    middlewares[f"{owner}.-health"] = {"replacePath": {"path": str(first["health"]).partition("?")[0]}}
    for group in first["groups"]:
        # A separate service: Shipway's requests aren't counted as the release's traffic.
        name = f"{owner}.-reach.{group['release']}"
        services[name] = {"loadBalancer": {"servers": [{"url": url} for url in group["upstreams"]]}}
        routers[name] = {
            **mark_router(where, reach(owner, group["release"], "/"), f"{owner}.-health"),
            "middlewares": [*guard, f"{owner}.{group['release']}", f"{owner}.-health"],
            "service": name,
        }


def parse(text: str) -> dict[str, Any] | None:
    """The table of a file that `render` created; None for an empty one."""
    first = text.partition("\n")[0]
    return _as_now(json.loads(first[2:])) if first.startswith("# ") else None


def _as_now(table: dict[str, Any]) -> dict[str, Any]:
    """Convert a table from when a route had one release only."""
    table["url"].setdefault("scheme", "http")
    for route in table["routes"]:
        if "upstreams" in route:
            route["groups"] = [{"release": table["release"], "weight": 1, "upstreams": route.pop("upstreams")}]
    return table


def resolver(acme: Mapping[str, Any]) -> str:
    """Traefik's name for ACME settings."""
    return f"acme-{version(dict(acme))}"


def chosen(acme: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The known settings to use for these: only the contact address may differ. None: there are none."""
    if acme in known:
        return acme
    return next((item for item in known if all(item.get(key) == acme.get(key) for key in ("server", "trust"))), None)


def entry_point(port: int) -> str:
    """Traefik's name of a public port."""
    return f"p{port}"


def conflict(owner: str, table: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> tuple[str, str] | None:
    """A public address of the table that another owner already serves, and that owner."""
    mine = _claims(table)
    for other, found in others.items():
        shared = mine & _claims(found) if other != owner else set()
        if public(table).redirected and public(found).redirected:  # both redirect to the same place
            former = {*_redirects(table["url"]), *_redirects(found["url"])}
            shared -= {(host, HTTP, "/") for host in hosts(table["url"]) if host not in former}
        if shared:
            host, port, prefix = min(shared)
            scheme = "https" if public(found).tls is not None and port == public(found).port else "http"
            return f"{scheme}://{host}:{port}{prefix}", other
    return None


def refuse_other_proxies(
    url: Mapping[str, Any], numbers: Collection[int], tables: Mapping[str, Mapping[str, Any]]
) -> None:
    """EdgeError if another owner on these ports trusts other proxies."""
    mine = url.get("trusted", [])
    for owner, table in tables.items():
        place, theirs = public(table), table["url"].get("trusted", [])
        if place.port in numbers and place.host != str(url["host"]).lower() and theirs != mine:
            raise EdgeError(
                f"port {place.port} is shared with {owner}, which trusts other proxies: {', '.join(theirs) or 'none'}",
                hint="give all environments on one port the same `edge: {trusted_proxies: […]}`, or this one another port",
            )


def refuse_conflict(owner: str, table: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> None:
    """EdgeError if there is a conflict."""
    found = conflict(owner, table, others)
    if found:
        raise EdgeError(f"{found[0]} is already served by {found[1]}", hint="give this environment another url")


def interruption(why: str, tables: Mapping[str, object]) -> str | None:
    """Message about what recreating an edge with these tables interrupts; None if nothing is routed."""
    if not tables:
        return None
    owners = f"of {len(tables)} environments ({', '.join(sorted(tables))})" if len(tables) > 1 else f"of {min(tables)}"
    return f"the edge is recreated {why}: connections {owners} are interrupted for about a second"


def _claims(table: Mapping[str, Any]) -> set[tuple[str, int, str]]:
    """What only one owner may serve: host, port and prefix."""
    where = public(table)
    former = {(host, where.port, "/") for host in _redirects(table["url"])}
    all_hosts = (*hosts(table["url"]), *_redirects(table["url"]))
    redirect = {(host, HTTP, "/") for host in all_hosts} if where.redirected else set()
    served = {(host, where.port, _prefix(route)) for route in table["routes"] for host in hosts(table["url"], route)}
    return served | former | redirect


def entry(where: Public, served: Sequence[str]) -> dict[str, object]:
    """Port and certificates of a router for these host names."""
    found: dict[str, object] = {"entryPoints": [entry_point(where.port)]}
    if where.tls is None:
        return found
    acme = where.tls.get("acme")
    if acme is None:
        return {**found, "tls": {}}
    # A certificate for each name: one whose name doesn't lead here yet must not hinder the others.
    each = {"domains": [{"main": host} for host in served]} if len(served) > 1 else {}
    return {**found, "tls": {"certResolver": resolver(acme), **each}}


def mark_router(where: Public, path: str, middleware: str) -> dict[str, object]:
    """A reserved path that the edge itself answers, or Shipway alone requests."""
    return {
        **entry(where, [where.host]),
        "rule": f"Host(`{where.host}`) && Path(`{path}`)",
        "priority": MARK_PRIORITY,
        "middlewares": [middleware],
        "service": "noop@internal",  # answers 418 itself
        "observability": UNSEEN,
    }


def adds(header: str, value: str) -> dict[str, object]:
    """A middleware that adds a header to responses."""
    return {"headers": {"customResponseHeaders": {header: value}}}


def _prefix(route: Mapping[str, Any]) -> str:
    return str(route["prefix"]).rstrip("/") or "/"


def _rule(served: Sequence[str], prefix: str) -> str:
    """Traefik's PathPrefix(`/api`) alone would also match /apix."""
    if prefix == "/":
        return host_rule(served)
    return f"{host_rule(served)} && (Path(`{prefix}`) || PathPrefix(`{prefix}/`))"


def to_line(data: object) -> str:
    """JSON on one line without double braces, which start a template in Traefik."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text.replace("{{", "{\\u007b")
