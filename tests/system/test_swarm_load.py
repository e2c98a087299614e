"""Deployments and rollbacks on a Swarm of three nodes, while visitors of every kind come to every node: nobody notices.

FULL=1: 20 of each, else 3."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.load import FRESH, KEPT, KINDS, SLOW, WEBSOCKET, Load, p99
from tests.matrix import FULL
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.swarms import URL, project_on, swarm_of
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(0 if FULL else 600)]

APPLICATION = Path(__file__).parents[2] / "bench/app"
ROUNDS = 20 if FULL else 3
RATE = {KEPT: 20.0, FRESH: 20.0, SLOW: 1.0, WEBSOCKET: 1.0}  # started per second, at each node
LIMIT = 3600.0  # seconds
PAUSE = 2.0  # seconds after each command
SITE = urlsplit(URL)


@pytest.fixture(scope="module")
def swarm() -> Iterator[Nodes]:
    with swarm_of(3) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def shop(swarm: Nodes, make: Make) -> Tiny:
    """Release r1 of the measured application serves, with a replica on each node."""
    project = project_on(swarm, make, replicas=3)
    project.plan["services"]["web"]["drain"] = "10s"
    project.protect()
    project.write({f"web/{name}": (APPLICATION / name).read_text() for name in ("Dockerfile", "server.py")})
    bring(project, "r1")
    return project


def bring(project: Tiny, version: str) -> float:
    """Deploy a new release that answers with this. Returns seconds."""
    project.change(version, files={"web/version": version})
    began = time.monotonic()
    project.shipway("run", "staging")
    return time.monotonic() - began


def versions(nodes: Nodes) -> list[str]:
    """What visitors of each node get."""
    return [nodes.ask(name, URL).partition("\n")[0] for name in nodes.names]


def test_deployments_and_rollbacks_lose_no_request(
    shop: Tiny, swarm: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed, back = [], []
    with ExitStack() as visits:
        loads = {
            name: visits.enter_context(
                Load(SITE.hostname or "", SITE.port or 80, RATE, limit=LIMIT, address=swarm.address(name))
            )
            for name in swarm.names
        }
        for number in range(2, ROUNDS + 2):
            deployed.append(bring(shop, f"r{number}"))
            assert versions(swarm) == [f"version r{number}"] * 3
            time.sleep(PAUSE)
            began = time.monotonic()
            shop.shipway("rollback", "staging", hold=True)
            back.append(time.monotonic() - began)
            assert versions(swarm) == ["version r1"] * 3
            shop.shipway("resume", "staging")
            time.sleep(PAUSE)
    counts = {kind: sum(len(load.samples[kind]) for load in loads.values()) for kind in KINDS}
    lost = {kind: sum(load.lost(kind) for load in loads.values()) for kind in KINDS}
    answered = Counter(item.version for load in loads.values() for item in load.quick())
    slowest = max(p99(load.quick()) for load in loads.values())
    failures = {name: load.failures() for name, load in loads.items() if load.failures()}
    with capsys.disabled():
        print(
            f"\n{ROUNDS} deployments ({max(deployed):.1f} s at most) and {ROUNDS} rollbacks ({max(back):.1f} s at most) on 3 nodes: "
            f"of {counts} requests, lost: {lost}; p99 {slowest * 1000:.0f} ms"
        )
    assert failures == {}
    assert min(counts.values()) > 0
    assert set(answered) == {f"r{number}" for number in range(1, ROUNDS + 2)}
