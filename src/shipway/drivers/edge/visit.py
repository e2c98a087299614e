"""A container that requests the edge as visitors do, and reaches nothing else of the engine.

A network has two members: the edge, under the public host name, and a gate. The check shares the gate's network
namespace. Names that always mean the loopback address (*.localhost) lead to the gate there, which forwards connections.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from shipway.domain.container import ContainerSpec, Publish
from shipway.domain.errors import EdgeError
from shipway.domain.value import dataclass
from shipway.drivers.edge.dynamic import HTTP, Public, entry_point, to_line
from shipway.drivers.edge.effect import Asker
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.shared import EDGE_IMAGE
from shipway.ports import Dial
from shipway.system.tars import of_files

FILE = "/gate.yml"
SETTINGS = (
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
    "--log.level=ERROR",
    f"--providers.file.filename={FILE}",
)


@dataclass(frozen=True)
class Open:
    """A gate that listens."""

    container: str
    address: str  # the source address of its requests at the edge


class Gate:
    """Opens gates on one engine. Raises EdgeError and EngineError."""

    def __init__(self, engine: Engine, dial: Dial, deadline: float) -> None:
        self._runtime = DockerRuntime(engine)
        self._dial = dial
        self._deadline = deadline

    @contextmanager
    def open(
        self, edge: str, where: Public, mark: str, network: str, labels: Mapping[str, str], names: Sequence[str]
    ) -> Iterator[Open]:
        """In the block there is a gate to this container of the edge, through which a mark (its path) is visible.
        names: host names of the address. Leftovers of a process that died are replaced."""
        name = network  # networks and containers have separate names
        ports = [where.port, HTTP] if where.redirected else [where.port]
        self._close(name, network)
        try:
            self._runtime.ensure_network(network, labels)
            self._runtime.connect(network, edge, names)
            found = self._runtime.find(edge)
            target = found.addresses.get(network, "") if found else ""
            flags = [f"--entrypoints.{entry_point(port)}.address=:{port}" for port in ports]
            spec = ContainerSpec(
                name, EDGE_IMAGE, labels, command=(*SETTINGS, *flags), networks={network: ()}, stop_grace=0.0
            )
            self._runtime.create(spec)
            self._runtime.put(name, "/", iter([of_files({FILE: _gate(target, ports)})]))
            self._runtime.start(name)
            yield Open(name, self._ready(name, network, where, mark))
        finally:
            self._close(name, network)

    def _ready(self, name: str, network: str, where: Public, mark: str) -> str:
        """The gate's address, once it forwards requests: it listens slightly earlier."""
        found = self._runtime.find(name)
        address = found.addresses.get(network, "") if found else ""
        with Asker(self._dial, self._deadline) as asker:
            seen = asker.until(asker.passes(where, mark, Publish(where.port, where.port, address)))
        if seen:
            last = "\n".join(self._runtime.logs(name, tail=5))
            raise EdgeError(f"the gateway for checks isn't ready: {seen}\n{last}".strip())
        return address

    def _close(self, name: str, network: str) -> None:
        self._runtime.remove(name)
        self._runtime.remove_network(network)


def _gate(target: str, ports: list[int]) -> bytes:
    """The gate's configuration: each port is forwarded to the edge's same port, unchanged."""
    names = {entry_point(port): port for port in ports}
    routers = {name: {"entryPoints": [name], "rule": "HostSNI(`*`)", "service": name} for name in names}
    services = {
        name: {"loadBalancer": {"terminationDelay": -1, "servers": [{"address": f"{target}:{port}"}]}}
        for name, port in names.items()
    }
    return to_line({"tcp": {"routers": routers, "services": services}}).encode()
