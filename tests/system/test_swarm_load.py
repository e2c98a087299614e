"""Deployments and rollbacks on a Swarm of three nodes, while visitors of every kind come to every node: nobody notices."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.load import FRESH, KEPT, KINDS, SLOW, WEBSOCKET, Load, Sample, p99
from tests.nodes import Nodes
from tests.system.conftest import Make
from tests.system.swarms import URL, project_on, swarm
from tests.system.tiny import Tiny

__all__ = ["swarm"]

# It wants a machine that does nothing else: `test_swarm.py` asks for less beside other tests.
pytestmark = [pytest.mark.full, pytest.mark.hosts, pytest.mark.engine, pytest.mark.timeout(0)]

APPLICATION = Path(__file__).parents[2] / "bench/app"
ROUNDS = 20
RATE = {KEPT: 20.0, FRESH: 20.0, SLOW: 1.0, WEBSOCKET: 1.0}  # started per second, at each node
LIMIT = 3600.0  # seconds
PAUSE = 2.0  # seconds after each command
SITE = urlsplit(URL)


@pytest.fixture(scope="module")
def shop(swarm: Nodes, make: Make) -> Tiny:
    """Release r1 of the measured application serves, with a replica on each node."""
    project = project_on(swarm, make, replicas=3)
    project.plan["services"]["web"]["drain"] = "10s"
    project.protect()
    project.write({f"web/{name}": (APPLICATION / name).read_text() for name in ("Dockerfile", "server.py")})
    bring(project, "r1")
    return project


def bring(project: Tiny, version: str) -> None:
    """Deploy a new release that answers with this."""
    project.change(version, files={"web/version": version})
    project.shipway("run", "staging")


class Log:
    """When each command began, and how long it took: what a lost request began in."""

    def __init__(self) -> None:
        self.began: list[tuple[float, str]] = []
        self.took: dict[str, float] = {}

    @contextmanager
    def of(self, command: str) -> Iterator[None]:
        began = time.monotonic()
        self.began.append((began, command))
        yield
        self.took[command] = time.monotonic() - began

    def most(self, kind: str) -> float:
        """Seconds of the longest one."""
        return max(took for command, took in self.took.items() if command.startswith(kind))

    def told(self, sample: Sample) -> str:
        """A lost request for the message: after which command it began."""
        at, command = max((item for item in self.began if item[0] <= sample.begun), default=(sample.begun, "the start"))
        return f"{sample.failure} after {sample.took:.1f} s, begun {sample.begun - at:.1f} s after {command} had begun"


def versions(nodes: Nodes) -> list[str]:
    """What visitors of each node get."""
    return [nodes.ask(name, URL).partition("\n")[0] for name in nodes.names]


def test_deployments_and_rollbacks_lose_no_request(
    shop: Tiny, swarm: Nodes, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log()
    with ExitStack() as visits:
        loads = {
            name: visits.enter_context(
                Load(SITE.hostname or "", SITE.port or 80, RATE, limit=LIMIT, address=swarm.address(name))
            )
            for name in swarm.names
        }
        for number in range(2, ROUNDS + 2):
            with log.of(f"deployment {number}"):
                bring(shop, f"r{number}")
            assert versions(swarm) == [f"version r{number}"] * 3
            time.sleep(PAUSE)
            with log.of(f"rollback {number}"):
                shop.shipway("rollback", "staging", hold=True)
            assert versions(swarm) == ["version r1"] * 3
            shop.shipway("resume", "staging")
            time.sleep(PAUSE)
    counts = {kind: sum(len(load.samples[kind]) for load in loads.values()) for kind in KINDS}
    lost = [
        f"{name}, {kind}: {log.told(item)}"
        for name, load in loads.items() for kind in KINDS for item in load.samples[kind] if item.failure
    ]  # fmt: skip
    quick = sorted((item for load in loads.values() for item in load.quick()), key=lambda item: item.took)
    with capsys.disabled():
        print(
            f"\n{ROUNDS} deployments ({log.most('deployment'):.1f} s at most) and {ROUNDS} rollbacks ({log.most('rollback'):.1f} s at "
            f"most) on 3 nodes: of {counts} requests, {len(lost)} lost; p99 {p99(quick) * 1000:.0f} ms, the slowest {quick[-1].took:.1f} s, "
            f"of slow ones (3 s) {max(item.took for load in loads.values() for item in load.samples[SLOW]):.1f} s"
        )
    assert lost == []
    least = ROUNDS * 2 * PAUSE * len(swarm.names)  # seconds of visits at all nodes
    assert all(counts[kind] > RATE[kind] * least for kind in KINDS)
    assert {item.version for item in quick} == {f"r{number}" for number in range(1, ROUNDS + 2)}
