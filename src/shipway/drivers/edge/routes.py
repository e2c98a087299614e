"""From a table of routes to Traefik's dynamic configuration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def dynamic(owner: str, table: Mapping[str, Any]) -> dict[str, object]:
    """Routers, services and a middleware, all named after their owner. The longest prefix wins."""
    url, mark = table["url"], f"{owner}-release"
    routers: dict[str, object] = {}
    services: dict[str, object] = {}
    for route in table["routes"]:
        name = f"{owner}-{route['name']}"
        routers[name] = {
            "rule": _rule(url["host"], route["prefix"]),
            "entryPoints": [f"p{url['port']}"],
            "service": name,
            "middlewares": [mark],
            "priority": 1000 + len(route["prefix"]),
        }
        services[name] = {"loadBalancer": {"servers": [{"url": upstream} for upstream in route["upstreams"]]}}
    headers = {"customResponseHeaders": {"X-Shipway-Release": str(table["release"])}}
    return {"http": {"routers": routers, "services": services, "middlewares": {mark: {"headers": headers}}}}


def _rule(host: str, prefix: str) -> str:
    clean = prefix.rstrip("/")
    if not clean:
        return f"Host(`{host}`)"
    # PathPrefix(`/api`) alone would match /apix too.
    return f"Host(`{host}`) && (Path(`{clean}`) || PathPrefix(`{clean}/`))"
