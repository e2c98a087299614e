"""An in-memory Edge that shows where a request would go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.routes import releases
from shipway.domain.traffic import Traffic
from shipway.drivers.edge.dynamic import address, conflict, public, refuse_conflict
from shipway.drivers.edge.program import BUCKETS
from shipway.testing.memory_calls import Recorder

GOLDEN_RATIO = 0.6180339887  # its multiples are evenly distributed over 0 to 1


class MemoryEdge(Recorder):
    """`tables`: owner: table. `unreachable`: upstreams to which a switch fails."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: set[int] = set()
        self.networks: dict[str, set[str]] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        self.unreachable: set[str] = set()
        self.stopped: list[str] = []  # of its containers
        self.interrupts: str | None = None  # what `ensure` would interrupt, set by a test
        self.pages: dict[str, tuple[str, int, str]] = {}  # of owners under maintenance: host, port, page
        self.sick: set[int] = set()  # releases whose probes fail
        self.counted: dict[str, dict[int, Traffic]] = {}  # of an owner: set by a test, plus requests
        self._requested = 0

    def down(self) -> Sequence[str]:
        with self._call("down"):
            return list(self.stopped)

    def trim(self, ports: Sequence[Publish] | None = None) -> None:
        with self._call("trim"):
            among = self.ports if ports is None else {port.host_port for port in ports}
            self.ports -= among - {public(table).port for table in self.tables.values()}

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
            self.ports |= {port.host_port for port in ports}
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
            if where.port not in self.ports:
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

    def maintain(self, owner: str, url: Mapping[str, object], page: str | None) -> None:
        with self._call("maintain", owner, "off" if page is None else "on"):
            self.pages.pop(owner, None)
            if page is not None:
                where = address(url)
                self.pages[owner] = (where.host, where.port, page)

    def maintained(self, owner: str) -> bool:
        with self._call("maintained", owner):
            return owner in self.pages

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
        for name, number, page in self.pages.values():
            if (name, number) == (host.lower(), port) and not inside:
                return None, page
        if port not in self.ports:
            raise ConnectionRefusedError(port)
        best: tuple[int, str, Mapping[str, Any]] | None = None
        for owner, table in self.tables.items():
            if (table["url"]["host"].lower(), table["url"]["port"]) != (host.lower(), port):
                continue
            for route in table["routes"]:
                prefix = route["prefix"].rstrip("/")
                if (path == prefix or path.startswith(f"{prefix}/")) and (best is None or len(prefix) > best[0]):
                    best = (len(prefix), owner, route)
        if best is None:
            return None, ""
        _, owner, route = best
        group = self._choose(route["groups"])
        errors = 1 if _fails(path) or self.unreachable.intersection(group["upstreams"]) else 0
        counts = self.counted.setdefault(owner, {})
        counts[group["release"]] = counts.get(group["release"], Traffic()) + Traffic(
            1, errors, dict.fromkeys(BUCKETS, 1)
        )
        return group["release"], group["upstreams"][0]

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
