"""A Swarm as a Runtime, on a node of its own: every container of the suite is a service."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from shipway.domain.container import ContainerSpec
from shipway.domain.plan import LOCAL
from shipway.drivers.hosts.ssh import SshHost
from shipway.drivers.runtime.engine import Engine
from shipway.drivers.runtime.swarm import OVERLAY, SwarmRuntime
from shipway.testing.runtime import RuntimeContract
from shipway.testing.runtime_lab import Program
from tests.conformance.labs import IMAGE, DockerLab
from tests.nodes import Nodes, running_nodes

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(400)]


class Wide(SwarmRuntime):
    """As an environment's networks are: services join no others."""

    def ensure_network(
        self, name: str, labels: Mapping[str, str], *, internal: bool = False, pinned: bool = False, wide: bool = True
    ) -> None:
        super().ensure_network(name, labels, internal=internal, pinned=pinned, wide=wide)


class SwarmLab(DockerLab):
    """A DockerLab whose containers are services."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.runtime = Wide(engine)

    def spec(self, suffix: str, program: Program, **changes: Any) -> ContainerSpec:
        spec = super().spec(suffix, program, **changes)
        return spec if spec.attached else dataclasses.replace(spec, nodes=(LOCAL,), stop_grace=1.0)

    def close(self) -> None:
        for item in self.engine.call("GET", "/services"):
            if self.app in item["Spec"]["Name"]:
                self.runtime.remove(item["ID"])
        super().close()


@pytest.fixture(scope="module")
def node() -> Iterator[Nodes]:
    with running_nodes(1) as nodes:
        nodes.load("node1", IMAGE)
        nodes.ssh("node1", f"docker swarm init --advertise-addr {nodes.address('node1')}")
        yield nodes


@pytest.fixture(scope="module")
def manager(node: Nodes) -> Iterator[Engine]:
    host = SshHost("ssh://node1")
    yield Engine("ssh://node1", dial=host.engine)
    host.close()


class TestSwarmRuntime(RuntimeContract):
    @pytest.fixture
    def lab(self, manager: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[SwarmLab]:
        monkeypatch.setenv(OVERLAY, "plain")
        lab = SwarmLab(manager)
        yield lab
        lab.close()
