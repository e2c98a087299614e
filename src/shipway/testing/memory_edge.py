"""An Edge in memory, which tells where a request would go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain.container import Publish
from shipway.domain.errors import EdgeError
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
            if self.down.intersection(new["routes"][0]["upstreams"]):
                raise EdgeError(f"the edge did not take the routes of {owner}: it can't reach the container")
            self.tables[owner] = new

    def remove(self, owner: str) -> None:
        with self._call("remove", owner):
            self.tables.pop(owner, None)

    def request(self, host: str, port: int, path: str) -> tuple[int | None, str]:
        """Release and upstream that a request goes to; (None, "") where no route takes it."""
        best: tuple[int, int, str] | None = None
        for table in self.tables.values():
            if (table["url"]["host"].lower(), table["url"]["port"]) != (host.lower(), port):
                continue
            for route in table["routes"]:
                prefix = route["prefix"].rstrip("/")
                if path == prefix or path.startswith(f"{prefix}/"):
                    found = (len(prefix), table["release"], route["upstreams"][0])
                    best = max(best, found) if best else found
        return best[1:] if best else (None, "")
