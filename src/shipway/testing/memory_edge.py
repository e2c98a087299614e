"""An Edge in memory, which tells where a request would go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
from shipway.domain.traffic import Traffic
from shipway.drivers.edge.dynamic import conflict, public
from shipway.testing.memory_calls import Recorder


class MemoryEdge(Recorder):
    """`tables`: owner: table. `down`: upstreams that can't be reached, so that a switch to them fails."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: set[int] = set()
        self.networks: dict[str, set[str]] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        self.down: set[str] = set()
        self.pages: dict[str, str] = {}  # of owners under maintenance
        self.sick: set[int] = set()  # releases whose probes fail
        self.counted: dict[str, dict[int, Traffic]] = {}  # what `traffic` says of an owner, by a test's word

    @property
    def container(self) -> str:
        return "shipway-edge"

    def ensure(self, ports: Sequence[Publish], networks: Mapping[str, Sequence[str]]) -> None:
        with self._call("ensure", *(port.host_port for port in ports), *networks):
            self.ports |= {port.host_port for port in ports}
            for network, aliases in networks.items():
                self.networks.setdefault(network, set()).update(aliases)

    def routes(self, owner: str) -> Mapping[str, object] | None:
        with self._call("routes", owner):
            return self.tables.get(owner)

    def switch(self, owner: str, table: Mapping[str, object]) -> None:
        with self._call("switch", owner, table["release"]):
            where = public(table)
            if where.port not in self.ports:
                raise EdgeError(f"the edge doesn't listen on port {where.port}")
            taken = conflict(owner, table, self.tables)
            if taken:
                raise EdgeError(taken)
            new = json.loads(json.dumps(table))
            if any(self.down.intersection(group["upstreams"]) for group in new["routes"][0]["groups"]):
                raise EdgeError(f"the edge did not take the routes of {owner}: it can't reach the container")
            self.tables[owner] = new

    def remove(self, owner: str) -> None:
        with self._call("remove", owner):
            self.tables.pop(owner, None)

    def maintain(self, owner: str, url: Mapping[str, object], page: str | None) -> None:
        with self._call("maintain", owner, "off" if page is None else "on"):
            self.pages.pop(owner, None)
            if page is not None:
                self.pages[owner] = page

    def maintained(self, owner: str) -> bool:
        with self._call("maintained", owner):
            return owner in self.pages

    def probe(self, owner: str, release: int) -> str | None:
        with self._call("probe", owner, release):
            return "500" if release in self.sick else None

    def traffic(self, owner: str) -> Mapping[int, Traffic]:
        with self._call("traffic", owner):
            return dict(self.counted.get(owner, {}))

    def request(self, host: str, port: int, path: str) -> tuple[int | None, str]:
        """Release and upstream that a request goes to; (None, "") where no route takes it."""
        best: tuple[int, int, str] | None = None
        for table in self.tables.values():
            if (table["url"]["host"].lower(), table["url"]["port"]) != (host.lower(), port):
                continue
            for route in table["routes"]:
                prefix = route["prefix"].rstrip("/")
                if path == prefix or path.startswith(f"{prefix}/"):
                    group = route["groups"][0]
                    found = (len(prefix), group["release"], group["upstreams"][0])
                    best = max(best, found) if best else found
        return best[1:] if best else (None, "")
