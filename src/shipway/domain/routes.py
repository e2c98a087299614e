"""The table of routes of one environment at an edge: plain data, since it is kept there as JSON.

    {"release": 7,                      the release that serves
     "url": {"scheme": "http", "host": "shop.example", "port": 80},   with https also "tls": {"internal": true},
                                        or {"acme": {"email": …, "server": …, "trust": …}}, none of them needed,
                                        or {"own": true}: then the table has "certificates", each with its key
     "routes": [{"name": "web", "prefix": "/", "health": "/healthz",
                 "groups": [{"release": 7, "weight": 1, "upstreams": ["http://CONTAINER:8080", …]}]}]}

Each of these keys is there only if a plan sets it. Of the url: "aliases", further host names for routes without "hosts";
"domains", those of routes with "hosts"; "redirects", host names that redirect to "host". Of the table: "access", with
"users" (lines of NAME:HASH) and "allow" (ranges of client addresses), of which both must hold. Of a route: "hosts", its host
names, which like those of the url may be wildcards (*.example.com); "strip", remove the prefix from requests; "response_headers"; "body", the largest body of a request in bytes;
"compress"; "sticky", by a cookie; "timeout", seconds until the response begins; "fresh", a connection of its own for each
request, since its containers may end before the edge is told. An upstream is h2c:// for HTTP/2.

A route has several groups while more than one release gets a share of its requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

Table = Mapping[str, Any]
WHOLE = 1000  # the sum of the weights of a route with several groups


def route(
    name: str,
    prefix: str,
    health: str,
    release: int,
    upstreams: Sequence[str],
    headers: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A route with all its requests to one release. headers: of requests to its health path, if the plan sets some.
    options: further keys."""
    more = {"headers": dict(headers)} if headers else {}
    more |= options or {}
    return {"name": name, "prefix": prefix, "health": health, **more, "groups": [_group(release, 1, upstreams)]}


def place(route: Mapping[str, Any]) -> tuple[str, ...]:
    """The address of a route within its table: its prefix and its own host names."""
    return (route["prefix"], *route.get("hosts", ()))


def hosts(url: Mapping[str, Any], route: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Host names in lower case: of a route, or all that the `url` of a table serves."""
    if route is not None and route.get("hosts"):
        return tuple(str(name).lower() for name in route["hosts"])
    further = () if route is not None else url.get("domains", ())
    return tuple(dict.fromkeys(str(name).lower() for name in (url["host"], *url.get("aliases", ()), *further)))


def with_hosts_of(url: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `url`, which serves the host names of another one too; itself if it does."""
    missing = [name for name in hosts(other) if name not in hosts(url)]
    return {**url, "aliases": [*url.get("aliases", ()), *missing]} if missing else url


def serves(name: str, host: str) -> bool:
    """Whether a host name of a table, which may be a wildcard for one label, is that host."""
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:] and not host.startswith(".")
    return name == host


def releases(table: Table | None) -> frozenset[int]:
    """All releases that get requests."""
    return frozenset(group["release"] for route in (table or {"routes": []})["routes"] for group in route["groups"])


def blend(old: Table, new: Table, share: float) -> dict[str, Any]:
    """Send `share` of the requests (0 to 1, both exclusive) to the new release, the rest to the old one.

    A route that only one of them has gets all its requests there; the address is the old release's.
    """
    before = {place(route): route for route in old["routes"]}
    after = {place(route): route for route in new["routes"]}
    weight = min(max(round(share * WHOLE), 1), WHOLE - 1)
    routes = []
    for at, item in {**before, **after}.items():
        if at in before and at in after:
            groups = [_scaled(before[at], WHOLE - weight), _scaled(item, weight)]
            item = {**item, "groups": groups}
        routes.append(item)
    return {**old, "routes": routes}


def mix(old: Table, new: Table, done: int) -> dict[str, Any]:
    """The first `done` replicas of each route are of the new release, the others of the old one; all replicas get an
    equal share."""
    before = {place(route): route for route in old["routes"]}
    routes = []
    for item in new["routes"]:
        known = before.pop(place(item), None)
        groups = [*_cut(item, slice(None, done)), *(_cut(known, slice(done, None)) if known else ())]
        routes.append({**item, "groups": groups})
    return {**old, "routes": [*routes, *before.values()]}


def redirected(table: Table, release: int, upstreams: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """The same routes to the containers of another release, by service; None if it has no container for any of them."""
    found = [
        {**item, "groups": [_group(release, 1, upstreams[item["name"]])]}
        for item in table["routes"]
        if upstreams.get(item["name"])
    ]
    return {**table, "release": release, "routes": found} if found else None


def _cut(route: Mapping[str, Any], part: slice) -> list[dict[str, Any]]:
    (group,) = route["groups"]
    upstreams = group["upstreams"][part]
    return [_group(group["release"], len(upstreams), upstreams)] if upstreams else []


def upstreams(table: Table | None) -> frozenset[str]:
    """Names of all containers that receive requests."""
    groups = (group for route in (table or {"routes": []})["routes"] for group in route["groups"])
    return frozenset(urlsplit(url).hostname or "" for group in groups for url in group["upstreams"])


def _scaled(route: Mapping[str, Any], weight: int) -> dict[str, Any]:
    """The only group of a route, with another weight."""
    (group,) = route["groups"]
    return _group(group["release"], weight, group["upstreams"])


def _group(release: int, weight: int, upstreams: Sequence[str]) -> dict[str, Any]:
    return {"release": release, "weight": weight, "upstreams": list(upstreams)}
