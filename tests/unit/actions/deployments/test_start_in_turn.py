"""Beside requests containers start in turn, and a turn ends by health, by a failure, or by its time."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import DeployFailed
from shipway.domain.plan import LOCAL, SWARM, BuildSource, Health, Host, Service
from shipway.steps import health
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World

FOUR = dataclasses.replace(STAGING, replicas={"backend": 4})
LONG = 60.0  # seconds in which a container may become healthy


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Release 1 serves; the health checks of the next ones have time."""
    made = World.deployed(tmp_path, FOUR, 1)
    made.waits = True
    backend = dataclasses.replace(PLAN.services["backend"], health=Health("/api/ok", timeout=LONG))
    monkeypatch.setattr(samples, "PLAN", dataclasses.replace(PLAN, services={**PLAN.services, "backend": backend}))
    yield made
    made.close()


def started(world: World, release: int) -> list[str]:
    """Numbers of the backend's replicas, in order."""
    names = [call.split()[1] for call in world.runtime.calls if call.startswith("start ")]
    return [name.rpartition("_")[2] for name in names if f"_backend_{release}-" in name]


def processors(world: World, count: int) -> None:
    world.runtime.processors = lambda: count  # type: ignore[method-assign]


def test_one_by_one_with_two_processors(world: World) -> None:
    processors(world, 2)
    running: list[int] = []
    start = world.runtime.start

    def begun(name: str) -> None:
        waiting = [
            item for item in world.runtime.containers.values() if item.info.running and "_backend_2-" in item.info.name
        ]
        running.append(
            sum(
                not world.runtime.probe(next(iter(item.info.addresses.values())), 8000, "/", 1.0).ok for item in waiting
            )
        )
        start(name)

    world.runtime.start = begun  # type: ignore[method-assign]
    deploy(world.controller(), DeployRequest(world.release(2, environment=FOUR), FOUR))
    assert set(running) == {0}, "whatever had started was healthy"


def test_one_on_each_node_of_a_platform_that_places_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two start side by side on two nodes: each ends its start only once the other one began."""
    nodes = dataclasses.replace(FOUR, platform=SWARM, hosts=(Host(LOCAL), Host("ssh://b")))
    world = World.deployed(tmp_path, nodes, 1)
    processors(world, 2)
    both, start = threading.Barrier(2), world.runtime.start

    def begun(name: str) -> None:
        if "_backend_2-" in name:
            both.wait(LONG)
        start(name)

    monkeypatch.setattr(world.runtime, "start", begun)
    deploy(world.controller(), DeployRequest(world.release(2, environment=nodes), nodes))
    assert len(started(world, 2)) == 4


def test_the_first_that_ends_ends_the_wait(world: World) -> None:
    processors(world, 4)
    world.runtime.behave("*_backend_2-*_1", Behaviour(healthy=False))
    world.runtime.behave("*_backend_2-*_2", Behaviour(exit_code=3))
    began = time.monotonic()
    with pytest.raises(DeployFailed, match="exited with code 3"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=FOUR), FOUR))
    assert time.monotonic() - began < LONG / 2
    assert set(started(world, 2)) == {"1", "2"}
    assert world.serving() == {1}


def test_one_that_needs_the_next_does_not_wait_for_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two new workers the first is healthy only once the second runs."""
    monkeypatch.setattr(health, "TURN", 0.3)
    processors(world, 2)
    check = Health(command="reach beta", timeout=LONG)
    alpha, beta = (
        Service("alpha", BuildSource("backend"), command="a", health=check),
        Service("beta", BuildSource("backend"), command="b"),
    )
    monkeypatch.setattr(
        samples, "PLAN", dataclasses.replace(PLAN, services={**PLAN.services, "alpha": alpha, "beta": beta})
    )
    execute = world.runtime.execute

    def reach(container: str, command: Sequence[str], *, timeout: float = 600.0) -> tuple[int, str]:
        if "reach beta" in " ".join(command):
            up = any("_beta_" in name and item.info.running for name, item in world.runtime.containers.items())
            return (0, "") if up else (1, "no beta")
        return execute(container, command, timeout=timeout)

    world.runtime.execute = reach  # type: ignore[method-assign]
    deploy(world.controller(), DeployRequest(world.release(2, environment=STAGING), STAGING))
    assert world.serving() == {2}


def test_a_container_that_failed_before_it_served_gets_its_share_at_last(tmp_path: Path) -> None:
    """The release is deployed again, since its containers were pruned, and fails; a rollback leads to it later."""
    world = World.deployed(tmp_path, STAGING, 1, 2)
    for name in [name for name, item in world.runtime.containers.items() if not item.info.running and "_1-" in name]:
        world.runtime.remove(name)
    one = world.ledger.release("shop", 1)
    assert one is not None
    world.runtime.behave("*_frontend_1-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(one, STAGING))
    for item in world.runtime.containers.values():
        item.behaviour = Behaviour()
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {1}
    assert not any(item.spec.low_priority for name, item in world.runtime.containers.items() if "_1-" in name)
