"""The nodes of a Swarm, matched to the hosts of a plan."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shipway.domain.errors import EngineError
from shipway.drivers.runtime import swarm_spec as form
from shipway.drivers.runtime import translate
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.system.parallel import side_by_side

NOTICED = 40.0  # seconds for the Swarm to count a lost node as down
PAUSE = 1.0
AGAIN = 30.0  # seconds until a host that couldn't be reached is tried again


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
        self._away: dict[str, tuple[float, EngineError]] = {}  # by host: until when it isn't tried again, and why

    def runtime(self, host: str) -> DockerRuntime:
        """The runtime of that host's own engine."""
        return self._own if host == self._name else self._runtime_of(host)

    def id_of(self, host: str) -> str:
        """The host's node. EngineError if it is unreachable, or in no Swarm."""
        with self._lock:
            if found := self._ids.get(host):
                return found
            until, why = self._away.get(host, (0.0, EngineError("")))
        if time.monotonic() < until:
            raise EngineError(why.message, hint=why.hint)
        try:
            swarm = self.runtime(host).swarm()
        except EngineError as error:
            with self._lock:
                self._away[host] = (time.monotonic() + AGAIN, error)
            raise
        with self._lock:
            self._away.pop(host, None)
        if swarm.get("LocalNodeState") != "active" or not swarm.get("NodeID"):
            raise EngineError(
                f"{host} is in no Swarm ({swarm.get('LocalNodeState') or 'inactive'})",
                hint=f"let it join: `docker swarm join-token worker` on {self._name} shows the command to run on {host}",
            )
        with self._lock:
            self._ids[host] = str(swarm["NodeID"])
        return str(swarm["NodeID"])

    def ids(self, hosts: Sequence[str]) -> list[str]:
        """The node of each host; empty for one that can't be reached and was no node of an environment before."""
        return [self._known(host) or self._remembered().get(host, "") for host in hosts]

    def _known(self, host: str) -> str:
        try:
            return self.id_of(host)
        except EngineError:
            return ""

    def _remembered(self) -> dict[str, str]:
        """Nodes by host, by the newest service of each."""
        services = self._engine.call("GET", "/services", query=translate.carrying({form.NODES: ""}))
        found: dict[str, str] = {}
        for service in sorted(services, key=lambda item: str(item["CreatedAt"])):
            found |= form.nodes(service)
        return found

    def down(self, away: Sequence[str], hosts: Sequence[str]) -> frozenset[str]:
        """Those of `away` that are a node that is down. One that never was a node of an environment is taken for one that is
        no other host, if all of those are down."""
        here = {self._known(host) for host in hosts if host not in away}
        before, deadline = self._remembered(), time.monotonic() + NOTICED
        while True:
            nodes = {str(item["ID"]): item for item in self._all() if item["ID"] not in here}
            gone = {node for node, item in nodes.items() if item["Status"]["State"] == "down"}
            found = {host for host in away if before.get(host) in gone}
            unknown = [host for host in away if before.get(host) not in nodes]
            strange = nodes.keys() - {before.get(host) for host in hosts}
            if strange <= gone and len(strange) >= len(unknown):
                found |= {*unknown}
            elif any(_takes(nodes[node]) for node in strange):
                found = set()  # it may be one of them, which has joined again
            if len(found) == len(away) or time.monotonic() > deadline:
                return frozenset(found)
            time.sleep(PAUSE)

    def host_of(self, node: str, hosts: Sequence[str], known: Mapping[str, str]) -> str | None:
        """The host that is this node; None if none of them is, as far as they can be reached. known: nodes by host."""
        for host in hosts:
            if known.get(host) == node:
                return host
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
        """EngineError unless this host is a manager, all hosts that can be reached are nodes of its Swarm, and no other node
        can get tasks."""
        self.require_manager()
        away: dict[str, EngineError] = {}

        def ask(host: str) -> str:
            try:
                return self.id_of(host)
            except EngineError as error:
                if host not in self._away:
                    raise
                away[host] = error
                return ""

        found = dict(zip(side_by_side(ask, hosts), hosts, strict=True))
        ours = {node: host for node, host in found.items() if node}
        if lost := [host for host in hosts if host in away and host not in self.down([*away], hosts)]:
            raise away[lost[0]]
        nodes = {str(item["ID"]): item for item in self._all()}
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
