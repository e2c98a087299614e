"""Convert an owner's routes to Traefik's dynamic configuration and back. Pure.

The table itself is a comment in the first line of the file, so that one rename replaces both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shipway.domain.errors import EdgeError
from shipway.domain.release import digest_of
from shipway.domain.routes import releases

HEADER_RELEASE = "X-Shipway-Release"  # of every response: the release that sent it
HEADER_ROUTES = "X-Shipway-Routes"  # of a mark: the version of the configuration in effect
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
        return self.tls is not None and "acme" not in self.tls

    @property
    def redirected(self) -> bool:
        """Whether plain HTTP redirects there."""
        return self.tls is not None and self.port == HTTPS


def address(url: Mapping[str, Any]) -> Public:
    """Parse the `url` of a table. EdgeError if it can't be routed."""
    host = str(url["host"])
    if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        raise EdgeError(f"{host!r} is not a routable host name")
    tls = url.get("tls") or {"internal": True}
    return Public(host.lower(), int(url["port"]), tls if url.get("scheme") == "https" else None)


def public(table: Mapping[str, Any]) -> Public:
    """The public address of a table. EdgeError if it can't be routed."""
    found, routes = address(table["url"]), table["routes"]
    for route in routes:
        if not re.fullmatch(r"/[^\s`]*", route["prefix"]):
            raise EdgeError(f"{route['prefix']!r} is not a routable path")
        if not route["groups"] or not all(group["upstreams"] for group in route["groups"]):
            raise EdgeError(f"route {route['prefix']} to {route['name']} has no containers")
    if not routes:
        raise EdgeError("a route table without routes can't be applied", hint="remove the owner's routes instead")
    return found


def version(content: object) -> str:
    """Short digest of a table or of any other plain data: the value of HEADER_ROUTES."""
    return digest_of(content).removeprefix("sha256:")[:12]


def mark(owner: str) -> str:
    """Public path at which the edge itself reports the owner's table in effect."""
    return f"/.well-known/shipway/{owner}"


def reach(owner: str, release: int, health: str) -> str:
    """Public path that is routed to the health path of a release on the first route, regardless of its share."""
    _, question, query = health.partition("?")
    return f"{mark(owner)}/{release}{question}{query}"


def render(owner: str, table: Mapping[str, Any], known: Sequence[Mapping[str, Any]] = ()) -> str:
    """The file of an owner. JSON is YAML; all names begin with the owner, so that owners never collide.

    known: the ACME settings of its container.
    """
    where = public(table)
    if where.tls is not None and "acme" in where.tls:
        where = replace(where, tls={"acme": chosen(where.tls["acme"], known) or where.tls["acme"]})
    entry = _entry(where)
    routers: dict[str, object] = {}
    services: dict[str, object] = {}
    middlewares: dict[str, object] = {f"{owner}.identify": _plugin(mode="identify")}
    for release in releases(table):
        middlewares[f"{owner}.{release}"] = _adds(HEADER_RELEASE, str(release))
    for route in table["routes"]:
        name = f"{owner}.{route['name']}"
        groups = {f"{name}.{group['release']}": group for group in route["groups"]}
        services.update({part: _balanced(group) for part, group in groups.items()})
        chain, service = [f"{owner}.identify"], next(iter(groups))
        if len(groups) == 1:
            chain.append(f"{owner}.{route['groups'][0]['release']}")
        else:
            service = name
            for part, group in groups.items():
                services[part] = {**_balanced(group), "middlewares": [f"{owner}.{group['release']}"]}
            shares = [{"name": part, "weight": group["weight"]} for part, group in groups.items()]
            services[name] = {"weighted": {"services": shares}}
        routers[name] = {
            **entry,
            "rule": _rule(where.host, _prefix(route)),
            "priority": len(_prefix(route)),  # the longest prefix wins
            "middlewares": chain,
            "service": service,
        }
    _add_marks(owner, table, where, routers, services, middlewares)
    if where.redirected:
        routers[f"{owner}.-redirect"] = {
            "entryPoints": [entry_point(HTTP)],
            "rule": f"Host(`{where.host}`)",
            "priority": 1,
            "middlewares": [f"{owner}.-redirect"],
            "service": "noop@internal",
        }
        middlewares[f"{owner}.-redirect"] = {"redirectScheme": {"scheme": "https", "permanent": True}}
    content = {"http": {"routers": routers, "services": services, "middlewares": middlewares}}
    return f"# {to_line(table)}\n{to_line(content)}\n"


def _add_marks(
    owner: str,
    table: Mapping[str, Any],
    where: Public,
    routers: dict[str, object],
    services: dict[str, object],
    middlewares: dict[str, object],
) -> None:
    """Add the reserved paths. Names of routes never begin with a hyphen, so there are no collisions."""
    routers[f"{owner}.-mark"] = _mark_router(where, mark(owner), f"{owner}.-mark")
    middlewares[f"{owner}.-mark"] = _adds(HEADER_ROUTES, version(table))
    first = table["routes"][0]
    middlewares[f"{owner}.-health"] = {"replacePath": {"path": str(first["health"]).partition("?")[0]}}
    for group in first["groups"]:
        # A separate service: Shipway's requests aren't counted as the release's traffic.
        name = f"{owner}.-reach.{group['release']}"
        services[name] = _balanced(group)
        routers[name] = {
            **_mark_router(where, reach(owner, group["release"], "/"), f"{owner}.-health"),
            "middlewares": [f"{owner}.{group['release']}", f"{owner}.-health"],
            "service": name,
        }


def render_page(owner: str, url: Mapping[str, Any], page: str, sources: Sequence[str] = ()) -> str:
    """The file of an owner under maintenance: it answers all requests to the address, except those from these addresses
    (of the environment's checks) and to reserved paths."""
    where = address(url)
    others = "".join(f" && !ClientIP(`{each}`)" for each in sources)
    name = f"{owner}.-maintain"
    routers = {
        name: {
            **_entry(where),
            "rule": f"Host(`{where.host}`){others}",
            "priority": MARK_PRIORITY - 1,
            "middlewares": [f"{owner}.-maintain-id", name],
            "service": "noop@internal",
        },
        f"{name}-mark": _mark_router(where, page_mark(owner), f"{name}-mark"),
    }
    middlewares = {
        f"{owner}.-maintain-id": _plugin(mode="identify"),
        name: _plugin(mode="maintain", page=page),
        f"{name}-mark": _adds(HEADER_ROUTES, page_version(url, page, sources)),
    }
    return f"# {to_line(url)}\n{to_line({'http': {'routers': routers, 'middlewares': middlewares}})}\n"


def page_url(text: str) -> dict[str, Any] | None:
    """The address of a file that `render_page` created; None for an empty one."""
    first = text.partition("\n")[0]
    found: dict[str, Any] | None = json.loads(first[2:]) if first.startswith("# ") else None
    return found


def page_of(text: str) -> str | None:
    """The page of such a file; None for an empty one."""
    content = text.partition("\n")[2]
    if not content.strip():
        return None
    middlewares = json.loads(content)["http"]["middlewares"]
    pages = [
        found["page"] for item in middlewares.values() if "page" in (found := item.get("plugin", {}).get("shipway", {}))
    ]
    return str(pages[0]) if pages else None


def page_mark(owner: str) -> str:
    """Public path that reports the page in effect."""
    return f"{mark(owner)}/maintenance"


def page_version(url: Mapping[str, Any], page: str, sources: Sequence[str] = ()) -> str:
    """The value of HEADER_ROUTES there."""
    return version([dict(url), page, *sources])


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
        if public(table).redirected and public(found).redirected:
            shared.discard((public(table).host, HTTP, "/"))  # both redirect to the same place
        if shared:
            host, port, prefix = min(shared)
            scheme = "https" if public(found).tls is not None and port == public(found).port else "http"
            return f"{scheme}://{host}:{port}{prefix}", other
    return None


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
    redirect = {(where.host, HTTP, "/")} if where.redirected else set()
    return {(where.host, where.port, _prefix(route)) for route in table["routes"]} | redirect


def _entry(where: Public) -> dict[str, object]:
    found: dict[str, object] = {"entryPoints": [entry_point(where.port)]}
    if where.tls is None:
        return found
    acme = where.tls.get("acme")
    return {**found, "tls": {} if acme is None else {"certResolver": resolver(acme)}}


def _mark_router(where: Public, path: str, middleware: str) -> dict[str, object]:
    return {
        **_entry(where),
        "rule": f"Host(`{where.host}`) && Path(`{path}`)",
        "priority": MARK_PRIORITY,
        "middlewares": [middleware],
        "service": "noop@internal",  # answers 418 itself
        "observability": UNSEEN,
    }


def _balanced(group: Mapping[str, Any]) -> dict[str, object]:
    return {"loadBalancer": {"servers": [{"url": url} for url in group["upstreams"]]}}


def _adds(header: str, value: str) -> dict[str, object]:
    return {"headers": {"customResponseHeaders": {header: value}}}


def _plugin(**settings: str) -> dict[str, object]:
    return {"plugin": {"shipway": settings}}


def _prefix(route: Mapping[str, Any]) -> str:
    return str(route["prefix"]).rstrip("/") or "/"


def _rule(host: str, prefix: str) -> str:
    """Traefik's PathPrefix(`/api`) alone would also match /apix."""
    if prefix == "/":
        return f"Host(`{host}`)"
    return f"Host(`{host}`) && (Path(`{prefix}`) || PathPrefix(`{prefix}/`))"


def to_line(data: object) -> str:
    """JSON on one line without double braces, which start a template in Traefik."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text.replace("{{", "{\\u007b")
