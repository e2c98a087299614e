"""The nodes of a Swarm, matched to the hosts of a plan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipway.domain.errors import EngineError
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.system.parallel import side_by_side


class SwarmNodes:
    """Which node each host is. engine: the manager that is asked, which is the host `name`, and own: its runtime.
    runtime_of: the runtime of another host's own engine. Share it between threads."""

    def __init__(
        self, engine: Engine, name: str, own: DockerRuntime, runtime_of: Callable[[str], DockerRuntime]
    ) -> None:
        self._engine, self._name, self._own, self._runtime_of = engine, name, own, runtime_of
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}  # by host
        self._labels: dict[str, str] = {}  # of nodes: their names

    def runtime(self, host: str) -> DockerRuntime:
        """The runtime of that host's own engine."""
        return self._own if host == self._name else self._runtime_of(host)

    def id_of(self, host: str) -> str:
        """The host's node. EngineError if it is unreachable, or in no Swarm."""
        with self._lock:
            if found := self._ids.get(host):
                return found
        swarm = self.runtime(host).swarm()
        if swarm.get("LocalNodeState") != "active" or not swarm.get("NodeID"):
            raise EngineError(
                f"{host} is in no Swarm ({swarm.get('LocalNodeState') or 'inactive'})",
                hint=f"let it join: `docker swarm join-token worker` on {self._name} shows the command to run on {host}",
            )
        with self._lock:
            self._ids[host] = str(swarm["NodeID"])
        return str(swarm["NodeID"])

    def host_of(self, node: str, hosts: Sequence[str]) -> str | None:
        """The host that is this node; None if none of them is, as far as they can be reached."""
        for host in hosts:
            try:
                if self.id_of(host) == node:
                    return host
            except EngineError:
                continue  # it is lost: its tasks run elsewhere by now
        return None

    def named(self, node: str) -> str:
        """A node's name for messages."""
        if node not in self._labels:
            found = self._engine.call("GET", f"/nodes/{node}", fine=(404,)) if node else None
            self._labels[node] = str(found["Description"]["Hostname"]) if found else node
        return self._labels[node]

    def lost(self) -> set[str]:
        """Nodes that don't answer."""
        return {item["ID"] for item in self._all() if item["Status"]["State"] == "down"}

    def require(self, hosts: Sequence[str]) -> None:
        """EngineError unless this host is a manager, all hosts are nodes of its Swarm, and no other node can get tasks."""
        self.require_manager()
        nodes = {str(item["ID"]): item for item in self._all()}
        ours = dict(zip(side_by_side(self.id_of, hosts), hosts, strict=True))
        for node, host in ours.items():
            if node not in nodes:
                raise EngineError(
                    f"{host} is in another Swarm than {self._name}",
                    hint=f"let it leave that one (`docker swarm leave`) and join the Swarm of {self._name}",
                )
        others = [item["Description"]["Hostname"] for node, item in nodes.items() if node not in ours and _takes(item)]
        if others:
            names = ", ".join(sorted(others))
            raise EngineError(
                f"no host of the environment is the Swarm's node {names}, which would get tasks that Shipway can't reach",
                hint=f"add it to `hosts:` of the environment, or let it take no tasks: docker node update --availability drain {others[0]}",
            )

    def require_manager(self) -> None:
        """EngineError with what to do if this host isn't a manager."""
        swarm: Mapping[str, Any] = self._own.swarm()
        if swarm.get("LocalNodeState") != "active":
            raise EngineError(
                f"{self._name} is in no Swarm ({swarm.get('LocalNodeState') or 'inactive'}), but its environment has `platform: swarm`",
                hint=f"on {self._name}: docker swarm init",
            )
        if not swarm.get("ControlAvailable"):
            why = swarm.get("Error") or "it is a worker"
            raise EngineError(
                f"{self._name}, the first host of the environment, manages no Swarm: {why}",
                hint="list a manager first in `hosts:`, or make this one a manager: docker node promote",
            )

    def _all(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._engine.call("GET", "/nodes")
        return found


def _takes(node: Mapping[str, Any]) -> bool:
    return bool(node["Spec"]["Availability"] == "active" and node["Status"]["State"] != "down")
