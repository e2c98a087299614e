"""An owner's routes as Traefik's dynamic configuration, and back. Pure.

The table itself is kept in the first line of the file, as a comment: one file, one rename, one truth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shipway.domain.errors import EdgeError
from shipway.domain.release import digest_of

HEADER_RELEASE = "X-Shipway-Release"  # of every answer: the release that gave it
HEADER_ROUTES = "X-Shipway-Routes"  # of the mark: the version of the table in effect
MARK_PRIORITY = 1_000_000  # above every prefix


@dataclass(frozen=True)
class Public:
    """Where a table's routes are reached."""

    host: str
    port: int
    prefixes: tuple[str, ...]
    health: str  # path of the first route that answers when its service works


def public(table: Mapping[str, Any]) -> Public:
    """The public side of a table. EdgeError where it can't be routed."""
    host, routes = str(table["url"]["host"]), table["routes"]
    if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
        raise EdgeError(f"{host!r} is no host name that can be routed")
    for route in routes:
        if not re.fullmatch(r"/[^\s`]*", route["prefix"]):
            raise EdgeError(f"{route['prefix']!r} is no path that can be routed")
        if not all(group["upstreams"] for group in route["groups"]):
            raise EdgeError(f"route {route['prefix']} to {route['name']} has no container behind it")
    if not routes:
        raise EdgeError("a table without routes can't be switched to", hint="remove the owner's routes instead")
    prefixes = tuple(_prefix(route) for route in routes)
    return Public(host.lower(), int(table["url"]["port"]), prefixes, str(routes[0]["health"]))


def version(table: Mapping[str, Any]) -> str:
    """Short digest of a table: the value of HEADER_ROUTES."""
    return digest_of(table).removeprefix("sha256:")[:12]


def mark(owner: str) -> str:
    """Public path at which the edge itself, and no service, tells which table of the owner is in effect."""
    return f"/.well-known/shipway/{owner}"


def render(owner: str, table: Mapping[str, Any]) -> str:
    """The file of an owner. JSON is YAML; all names begin with the owner, so that owners never collide."""
    where = public(table)
    entry = [entry_point(where.port)]
    routers: dict[str, object] = {
        f"{owner}.mark": {
            "entryPoints": entry,
            "rule": f"Host(`{where.host}`) && Path(`{mark(owner)}`)",
            "priority": MARK_PRIORITY,
            "middlewares": [f"{owner}.mark"],
            "service": "noop@internal",  # answers 418 by itself
        }
    }
    services: dict[str, object] = {}
    for route in table["routes"]:
        name = f"{owner}.{route['name']}"
        routers[name] = {
            "entryPoints": entry,
            "rule": _rule(where.host, _prefix(route)),
            "priority": len(_prefix(route)),  # the longest prefix wins
            "middlewares": [f"{owner}.release"],
            "service": name,
        }
        parts = {f"{name}.{group['release']}": group for group in route["groups"]}
        for part, group in parts.items():
            services[part] = {"loadBalancer": {"servers": [{"url": url} for url in group["upstreams"]]}}
        shares = [{"name": part, "weight": group["weight"]} for part, group in parts.items()]
        services[name] = {"weighted": {"services": shares}}
    middlewares = {
        f"{owner}.mark": _adds(HEADER_ROUTES, version(table)),
        f"{owner}.release": _adds(HEADER_RELEASE, str(table["release"])),
    }
    content = {"http": {"routers": routers, "services": services, "middlewares": middlewares}}
    return f"# {_json(table)}\n{_json(content)}\n"


def parse(text: str) -> dict[str, Any] | None:
    """The table of a file that `render` made; None of an empty one."""
    first = text.partition("\n")[0]
    return _as_now(json.loads(first[2:])) if first.startswith("# ") else None


def _as_now(table: dict[str, Any]) -> dict[str, Any]:
    """A table that was written when a route had one release only."""
    table["url"].setdefault("scheme", "http")
    for route in table["routes"]:
        if "upstreams" in route:
            route["groups"] = [{"release": table["release"], "weight": 1, "upstreams": route.pop("upstreams")}]
    return table


def entry_point(port: int) -> str:
    """Traefik's name of a public port."""
    return f"p{port}"


def conflict(owner: str, table: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Which public path of the table another owner already serves, in words."""
    mine = public(table)
    for other, found in others.items():
        theirs = public(found)
        shared = set(mine.prefixes) & set(theirs.prefixes)
        if other != owner and (mine.host, mine.port) == (theirs.host, theirs.port) and shared:
            return f"http://{mine.host}:{mine.port}{min(shared)} is already served by {other}"
    return None


def _adds(header: str, value: str) -> dict[str, object]:
    return {"headers": {"customResponseHeaders": {header: value}}}


def _prefix(route: Mapping[str, Any]) -> str:
    return str(route["prefix"]).rstrip("/") or "/"


def _rule(host: str, prefix: str) -> str:
    """Traefik's PathPrefix(`/api`) alone would take /apix too."""
    if prefix == "/":
        return f"Host(`{host}`)"
    return f"Host(`{host}`) && (Path(`{prefix}`) || PathPrefix(`{prefix}/`))"


def _json(data: object) -> str:
    """On one line, and nowhere with the two braces that begin a template for Traefik."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return text.replace("{{", "{\\u007b")
