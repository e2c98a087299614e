"""What runs, container by container."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.operations.processes import processes
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.deployed(tmp_path, STAGING, 1, 2)
    return world


def names(world: World, *, every: bool = False) -> list[str]:
    found = processes(world.controller(), PLAN, STAGING, every=every)
    return [f"{item.source.name} {item.source.release or ''} {item.info.state}".replace("  ", " ") for item in found]


def test_what_runs_or_should(world: World) -> None:
    assert names(world) == ["backend.1 2 running", "frontend.1 2 running", "worker.1 2 running", "db running"]
    world.runtime.stop(next(name for name in world.runtime.containers if "frontend_2" in name), 1)
    assert "frontend.1 2 exited" in names(world)
    assert {name for name in names(world, every=True) if " 1 " in name} == {
        "backend.1 1 exited", "frontend.1 1 exited", "worker.1 1 exited",
    }  # fmt: skip


def test_what_they_use(world: World) -> None:
    found = {item.source.name: item for item in processes(world.controller(), PLAN, STAGING)}
    assert (found["db"].memory, found["db"].processor) == (1 << 26, 0.0)
    world.runtime.stop(found["db"].info.name, 1)
    found = {item.source.name: item for item in processes(world.controller(), PLAN, STAGING)}
    assert (found["db"].memory, found["db"].processor) == (None, None)


def test_a_container_that_goes_meanwhile(world: World) -> None:
    real = world.runtime.find
    world.runtime.find = lambda name: None if "worker" in str(real(name)) else real(name)  # type: ignore[method-assign]
    assert names(world) == ["backend.1 2 running", "frontend.1 2 running", "db running"]


def test_nothing_runs(tmp_path: Path) -> None:
    assert names(World(tmp_path)) == []
