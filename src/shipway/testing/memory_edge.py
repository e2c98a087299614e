"""An in-memory Edge that shows where a request would go."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import Any

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import hosts, releases, serves
from shipway.domain.traffic import Traffic
from shipway.drivers.edge.dynamic import address, conflict, public, refuse_conflict
from shipway.drivers.edge.program import BUCKETS
from shipway.testing.memory_calls import Recorder
from shipway.testing.replies import Reply

CLIENT = "203.0.113.7"  # the address of a visitor
SLOW = 3.0  # seconds until in-memory services respond at /slow
GOLDEN_RATIO = 0.6180339887  # its multiples are evenly distributed over 0 to 1


class MemoryEdge(Recorder):
    """`tables`: owner: table. `unreachable`: upstreams to which a switch fails."""

    def __init__(self) -> None:
        super().__init__()
        self.held: set[int] = set()  # public ports
        self.networks: dict[str, set[str]] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        self.unreachable: set[str] = set()
        self.stopped: list[str] = []  # of its containers
        self.interrupts: str | None = None  # what `ensure` would interrupt, set by a test
        self.pages: dict[str, tuple[tuple[str, ...], int, str]] = {}  # of owners under maintenance: hosts, port, page
        self._first: dict[str, Mapping[str, Any]] = {}  # of owners under maintenance without routes: their `access`
        self.seen: set[str] = set()  # owners whose page was shown
        self.sick: set[int] = set()  # releases whose probes fail
        self.counted: dict[str, dict[int, Traffic]] = {}  # of an owner: set by a test, plus requests
        self._requested = 0
        self._turn = 0  # of the containers of a route
        self.passwords: dict[str, str] = {}  # by hash: set by a test

    def ports(self) -> Sequence[int]:
        with self._call("ports"):
            return sorted(self.held)

    def down(self) -> Sequence[str]:
        with self._call("down"):
            return list(self.stopped)

    def trim(self, ports: Sequence[Publish] | None = None) -> None:
        with self._call("trim"):
            among = self.held if ports is None else {port.host_port for port in ports}
            self.held -= among - {public(table).port for table in self.tables.values()}

    @contextmanager
    def visit(self, owner: str, url: Mapping[str, object], network: str, labels: Mapping[str, str]) -> Iterator[str]:
        with self._call("visit", owner):
            pass
        yield f"{network}_gate"

    def ensure(
        self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]], url: Mapping[str, object] | None = None
    ) -> None:
        with self._call("ensure", *(port.host_port for port in ports), *networks):
            self.stopped.clear()
            self.held |= {port.host_port for port in ports}
            for network, aliases in networks.items():
                self.networks.setdefault(network, set()).update(aliases)

    def pending(self, ports: Sequence[Publish], url: Mapping[str, object] | None = None) -> str | None:
        with self._call("pending", *(port.host_port for port in ports)):
            return self.interrupts

    def authority(self) -> str | None:
        with self._call("authority"):
            return None

    def routes(self, owner: str) -> Mapping[str, object] | None:
        with self._call("routes", owner):
            return self.tables.get(owner)

    def taken(self, owner: str, table: Mapping[str, object]) -> tuple[str, str] | None:
        with self._call("taken", owner):
            return conflict(owner, table, self.tables)

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        with self._call("switch", owner, table["release"]):
            where = public(table)
            if where.port not in self.held:
                raise EdgeError(f"the edge doesn't listen on port {where.port}")
            refuse_conflict(owner, table, self.tables)
            new = json.loads(json.dumps(table))
            if any(self.unreachable.intersection(group["upstreams"]) for group in new["routes"][0]["groups"]):
                raise EdgeError(f"the edge did not apply the routes of {owner}: it can't reach the container")
            self.tables[owner] = new

    def remove(self, owner: str) -> None:
        with self._call("remove", owner):
            self.tables.pop(owner, None)
            self.pages.pop(owner, None)

    def maintain(
        self, owner: str, url: Mapping[str, object], page: str | None, access: Mapping[str, object] | None = None
    ) -> None:
        with self._call("maintain", owner, "off" if page is None else "on"):
            self.pages.pop(owner, None)
            self.seen.discard(owner)
            self._first[owner] = access or {}
            if page is not None:
                where = address(url)
                self.pages[owner] = (hosts(url), where.port, page)

    def maintained(self, owner: str) -> bool:
        with self._call("maintained", owner):
            return owner in self.pages

    def asked(self, owner: str, since: float) -> bool:
        with self._call("asked", owner):
            return owner in self.seen

    def probe(self, owner: str, release: int) -> str | None:
        with self._call("probe", owner, release):
            table = self.tables.get(owner)
            if release not in releases(table):
                return f"release {release} gets no requests"
            return "500" if release in self.sick or (table and _fails(table["routes"][0]["health"])) else None

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        with self._call("traffic", owner):
            return dict(self.counted.get(owner, {}))

    def request(self, host: str, port: int, path: str, *, inside: bool = False) -> tuple[int | None, str]:
        """Release and upstream that a request reaches; (None, "") if no route matches, (None, page) under maintenance,
        unless it comes from a `visit`."""
        for owner, (served, number, page) in self.pages.items():
            if host.lower() in served and number == port and not inside:
                self.seen.add(owner)
                return None, page
        if port not in self.held:
            raise ConnectionRefusedError(port)
        best = self._match(host, port, path)
        if best is None:
            return None, ""
        owner, route = best
        group = self._choose(route["groups"])
        errors = 1 if _fails(path) or self.unreachable.intersection(group["upstreams"]) else 0
        counts = self.counted.setdefault(owner, {})
        counts[group["release"]] = counts.get(group["release"], Traffic()) + Traffic(
            1, errors, dict.fromkeys(BUCKETS, 1)
        )
        return group["release"], group["upstreams"][0]

    def ask(
        self,
        host: str,
        port: int,
        path: str,
        *,
        method: str = "GET",
        body: int = 0,
        headers: Mapping[str, str] | None = None,
        client: str = CLIENT,
    ) -> Reply:
        """The response to a request from an address. body: its length in bytes; headers: with names in lower case."""
        given = headers or {}
        shown = [
            owner for owner, (served, number, _) in self.pages.items() if host.lower() in served and number == port
        ]
        for owner in shown:
            table = self.tables.get(owner, {"access": self._first[owner]})
            if refused := self._refused(table.get("access", {}), given, client):
                return Reply(refused)
            self.seen.add(owner)
            return Reply(503)
        for table in self.tables.values():
            url = table["url"]
            if (host.lower(), port) in {(name.lower(), url["port"]) for name in url.get("redirects", ())}:
                where = f"{url.get('scheme', 'http')}://{public(table).authority}{path}"
                return Reply(301 if method == "GET" else 308, {"location": where})
        found = self._match(host, port, path)
        if found is None:
            return Reply(404)
        owner, route = found
        refused = self._refused(self.tables[owner].get("access", {}), given, client)
        if refused:
            return Reply(refused)
        if body > route.get("body", body):
            return Reply(413)
        if path == "/slow" and route.get("timeout", SLOW) < SLOW:
            return Reply(504)
        upstreams = self._choose(route["groups"])["upstreams"]
        self._turn += 1
        cookie = f"shipway_{route['name']}"
        stays = given.get("cookie", "").removeprefix(f"{cookie}=") if "sticky" in route else ""
        upstream = stays if stays in upstreams else upstreams[self._turn % len(upstreams)]
        answer = dict(route.get("response_headers", {}))
        if "sticky" in route and not stays:
            answer["set-cookie"] = f"{cookie}={upstream}"
        if "compress" in route and path.startswith("/large") and "gzip" in given.get("accept-encoding", ""):
            answer["content-encoding"] = "gzip"
        prefix = route["prefix"].rstrip("/") if "strip" in route else ""
        seen = path.removeprefix(prefix) or "/"
        return Reply(
            200,
            {name.lower(): value for name, value in answer.items()},
            upstream,
            seen if seen[0] == "/" else f"/{seen}",
        )

    def _refused(self, access: Mapping[str, Any], headers: Mapping[str, str], client: str) -> int | None:
        """The status for a client that the table's `access` keeps out."""
        if "allow" in access and not any(ip_address(client) in ip_network(item) for item in access["allow"]):
            return 403
        kind, _, login = headers.get("authorization", "").partition(" ")
        name, _, password = b64decode(login).decode().partition(":") if kind == "Basic" else ("", "", "")
        hashes = dict(line.split(":", 1) for line in access.get("users", ()))
        if "users" in access and (name not in hashes or self.passwords.get(hashes[name]) != password):
            return 401
        return None

    def _match(self, host: str, port: int, path: str) -> tuple[str, Mapping[str, Any]] | None:
        """Owner and route with the longest prefix."""
        best: tuple[tuple[bool, int], str, Mapping[str, Any]] | None = None
        for owner, table in self.tables.items():
            if table["url"]["port"] != port:
                continue
            for route in table["routes"]:
                prefix = route["prefix"].rstrip("/")
                here = any(serves(name, host.lower()) for name in hosts(table["url"], route))
                fits = path == prefix or path.startswith(f"{prefix}/")
                rank = (host.lower() in hosts(table["url"], route), len(prefix))  # exact names come before wildcards
                if here and fits and (best is None or rank > best[0]):
                    best = (rank, owner, route)
        return best[1:] if best else None

    def _choose(self, groups: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """By weight: deterministic, evenly distributed."""
        self._requested += 1
        place = self._requested * GOLDEN_RATIO % 1 * sum(group["weight"] for group in groups)
        for group in groups:
            place -= group["weight"]
            if place < 0:
                return group
        return groups[-1]


def _fails(path: str) -> bool:
    """Paths to which in-memory services respond with 500."""
    return path.partition("?")[0] == "/fail"
