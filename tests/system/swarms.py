"""A Swarm of nodes for tests, and a project that is deployed to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from examples.project import Project
from shipway.drivers.runtime.swarm import OVERLAY
from tests.nodes import Nodes, running_nodes
from tests.system.conftest import Make
from tests.system.tiny import Tiny

URL = "http://shop.example:8080"
IMAGES = ("caddy:2", "traefik:v3")  # the nodes have no way out


@contextmanager
def swarm_of(count: int, *images: str) -> Iterator[Nodes]:
    """node1 manages it; the others are workers. images: further ones that every node gets."""
    with running_nodes(count) as nodes:
        first, *others = nodes.names
        nodes.ssh(first, f"docker swarm init --advertise-addr {nodes.address(first)}")
        token = nodes.ssh(first, "docker swarm join-token --quiet worker").strip()
        for name in others:
            address = nodes.address(name)
            nodes.ssh(name, f"docker swarm join --token {token} --advertise-addr {address} {nodes.address(first)}:2377")
        for name in nodes.names:
            nodes.load(name, *IMAGES, *images)
        yield nodes


@pytest.fixture(scope="module")
def swarm() -> Iterator[Nodes]:
    """Of three nodes."""
    with swarm_of(3) as nodes:
        yield nodes


def placed_on(nodes: Nodes) -> dict[str, Any]:
    """What a plan says of an environment there."""
    return {"platform": "swarm", "hosts": [f"ssh://{name}" for name in nodes.names]}


def let_reach(project: Project, nodes: Nodes) -> None:
    """Its commands deploy to them."""
    # This machine's kernel has no ESP, which encrypted networks need.
    project.env |= {"PATH": f"{nodes.bin}:{project.env['PATH']}", OVERLAY: "plain"}


def project_on(nodes: Nodes, make: Make, *, replicas: int) -> Tiny:
    """Nothing is deployed yet."""
    project = make()
    project.plan["services"]["web"]["replicas"] = replicas
    project.plan["environments"]["staging"] |= {"url": URL, "standby": "10m", **placed_on(nodes)}
    let_reach(project, nodes)
    return project


def answers(nodes: Nodes) -> list[str]:
    """What visitors of each node get."""
    return [nodes.ask(name, URL) for name in nodes.names]
