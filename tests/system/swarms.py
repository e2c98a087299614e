"""A Swarm of nodes for tests, and a project that is deployed to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shipway.drivers.runtime.swarm import OVERLAY
from tests.nodes import Nodes, running_nodes
from tests.system.conftest import Make
from tests.system.tiny import Tiny

URL = "http://shop.example:8080"


@contextmanager
def swarm_of(count: int) -> Iterator[Nodes]:
    """node1 manages it; the others are workers."""
    with running_nodes(count) as nodes:
        first, *others = nodes.names
        nodes.ssh(first, f"docker swarm init --advertise-addr {nodes.address(first)}")
        token = nodes.ssh(first, "docker swarm join-token --quiet worker").strip()
        for name in others:
            address = nodes.address(name)
            nodes.ssh(name, f"docker swarm join --token {token} --advertise-addr {address} {nodes.address(first)}:2377")
        for name in nodes.names:
            nodes.load(name, "caddy:2", "traefik:v3")
        yield nodes


def project_on(nodes: Nodes, make: Make, *, replicas: int) -> Tiny:
    """Nothing is deployed yet."""
    project = make()
    project.plan["services"]["web"]["replicas"] = replicas
    project.plan["environments"]["staging"] |= {
        "url": URL, "platform": "swarm", "hosts": [f"ssh://{name}" for name in nodes.names], "standby": "10m",
    }  # fmt: skip
    # This machine's kernel has no ESP, which encrypted networks need.
    project.env |= {"PATH": f"{nodes.bin}:{project.env['PATH']}", OVERLAY: "plain"}
    return project


def answers(nodes: Nodes) -> list[str]:
    """What visitors of each node get."""
    return [nodes.ask(name, URL) for name in nodes.names]
