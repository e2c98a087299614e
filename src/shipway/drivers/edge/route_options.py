"""Traefik's middlewares and load balancers for the options of a route table. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

IDLE = "1s"  # see `--serverstransport.forwardingtimeouts.idleconntimeout` in `program`
ATTEMPTS = 10  # of a request to reach a container, in all: among many requests, the next one may be the same again
DIAL = "2s"  # to reach one of several. The name of one that ended isn't known: without a name server that takes long
Named = Iterator[tuple[str, dict[str, object]]]


def plugin(**settings: object) -> dict[str, object]:
    """A middleware of Shipway's own plugin."""
    return {"plugin": {"shipway": settings}}


def access(owner: str, table: Mapping[str, Any], realm: str = "") -> Named:
    """What lets only some clients in, in this order; nothing if everyone may. realm: of passwords, by default the owner."""
    rules = table.get("access", {})
    if "allow" in rules:
        # Behind trusted proxies: the last address in X-Forwarded-For that isn't one of them.
        proxies = table["url"].get("trusted")
        how = {"ipStrategy": {"excludedIPs": list(proxies)}} if proxies else {}
        yield f"{owner}.-from", {"ipAllowList": {"sourceRange": list(rules["allow"]), **how}}
    if "users" in rules:
        # The service sees no passwords of the edge.
        yield (
            f"{owner}.-users",
            {"basicAuth": {"users": list(rules["users"]), "realm": realm or owner, "removeHeader": True}},
        )


def of_route(name: str, route: Mapping[str, Any]) -> Named:
    """What changes requests to a route and its responses, in this order."""
    if "response_headers" in route:
        yield f"{name}.headers", {"headers": {"customResponseHeaders": dict(route["response_headers"])}}
    if "body" in route:
        yield f"{name}.body", plugin(mode="limit", body=str(route["body"]))
    if "compress" in route:
        # A stream of events must not wait until there is enough to compress.
        yield f"{name}.compress", {"compress": {"excludedContentTypes": ["text/event-stream"]}}
    if "strip" in route and route["prefix"].rstrip("/"):
        yield f"{name}.strip", {"stripPrefix": {"prefixes": [route["prefix"].rstrip("/")]}}


def retried(name: str, route: Mapping[str, Any]) -> Named:
    """What sends a request to the next container if one doesn't accept its connection, such as one that has crashed. A
    request of which anything was sent is never repeated. Last in the chain."""
    if _several(route):
        yield f"{name}.retry", {"retry": {"attempts": ATTEMPTS}}


def balanced(name: str, route: Mapping[str, Any], group: Mapping[str, Any], *, secure: bool) -> dict[str, object]:
    """The service for a release's containers. secure: whether cookies may only be sent by HTTPS."""
    found: dict[str, object] = {"servers": [{"url": url} for url in group["upstreams"]]}
    if "sticky" in route:
        cookie = {"name": f"shipway_{route['name']}", "httpOnly": True, "secure": secure, "sameSite": "lax"}
        found["sticky"] = {"cookie": cookie}
    if "timeout" in route or _several(route):
        found["serversTransport"] = f"{name}.wait"
    return {"loadBalancer": found}


def transport(name: str, route: Mapping[str, Any]) -> Named:
    """How connections to the containers are made, if it differs from the usual way."""
    waits = {"dialTimeout": DIAL} if _several(route) else {}
    waits |= {"responseHeaderTimeout": f"{route['timeout']:g}s"} if "timeout" in route else {}
    if waits:
        # A container that ends closes connections that are kept open: what is just sent there is lost.
        kept = {"maxIdleConnsPerHost": -1} if "fresh" in route and _several(route) else {}
        yield f"{name}.wait", {**kept, "forwardingTimeouts": {**waits, "idleConnTimeout": IDLE}}


def _several(route: Mapping[str, Any]) -> bool:
    """Whether the route has more than one container."""
    return sum(len(group["upstreams"]) for group in route["groups"]) > 1


def moved(target: str) -> dict[str, object]:
    """A permanent redirect of any URL to the same path and query there: 301, and 308 for other methods than GET.
    target: scheme and authority."""
    return {"redirectRegex": {"regex": "^[a-z]+://[^/]+(.*)$", "replacement": f"{target}${{1}}", "permanent": True}}


def host_rule(hosts: Sequence[str]) -> str:
    """Matches any of these host names."""
    found = " || ".join(_matches(host) for host in hosts)
    return found if len(hosts) == 1 else f"({found})"


def _matches(host: str) -> str:
    if not host.startswith("*."):
        return f"Host(`{host}`)"
    return f"HostRegexp(`^[^.]+{re.escape(host[1:])}$`)"
