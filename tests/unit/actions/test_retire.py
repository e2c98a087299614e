"""What stands by leaves the rotation when its requests have ended, and stops when its time is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from shipway.actions.decide import Order
from shipway.actions.deploy import deploy
from shipway.actions.doctor import examine
from shipway.actions.retire import REST, retire, retire_due
from shipway.actions.rollback import Wish, rollback
from shipway.cli import cli
from shipway.cli.retire import LOOK
from shipway.context import Context
from shipway.domain.draining import QUIET
from shipway.domain.errors import DeployFailed, EngineError
from shipway.domain.names import rotation_network
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

WARM = dataclasses.replace(STAGING, standby=3600.0)
ROTATION = rotation_network("shop", "staging")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 2 serves, release 1 stands by."""
    made = World(tmp_path)
    for number in (1, 2):
        deploy(made.controller(), Order(made.release(number, environment=WARM), WARM))
    return made


def running(world: World, release: int) -> list[str]:
    found = world.runtime.list({"shipway.release": str(release)})
    return sorted(item.labels["shipway.name"] for item in found if item.running)


def busy(world: World, release: int, count: int | None) -> None:
    """The release's backend has so many connections open; None: that can't be known."""
    for name in world.runtime.containers:
        if f"_backend_{release}-" in name:
            world.runtime.open[name] = count


def in_rotation(world: World) -> set[int]:
    return {int(world.runtime.containers[name].info.labels["shipway.release"]) for name in world.runtime.networks[ROTATION]}


def test_the_release_before_stays_up_without_its_worker(world: World) -> None:
    assert running(world, 1) == ["backend", "frontend"]
    assert world.serving() == {2}
    assert world.later == [("shop", "staging")]


def test_it_leaves_in_two_stages(world: World) -> None:
    ctx = world.controller()
    first = retire_due(ctx, "shop", "staging")
    assert first is not None
    assert in_rotation(world) == {1, 2}  # requests that it has begun may end
    world.now = first + QUIET
    second = retire_due(ctx, "shop", "staging")
    assert second is not None
    assert (in_rotation(world), running(world, 1)) == ({2}, ["backend", "frontend"])
    world.now = second
    assert retire_due(ctx, "shop", "staging") is None
    assert (running(world, 1), running(world, 2)) == ([], ["backend", "frontend", "worker"])
    assert world.serving() == {2}


def test_what_is_older_is_removed_when_the_requests_to_it_have_ended(world: World) -> None:
    busy(world, 1, 1)
    deploy(world.controller(), Order(world.release(3, environment=WARM), WARM))
    assert running(world, 1) == running(world, 2) == ["backend", "frontend"]  # its end would cost requests now
    assert examine(world.controller(), "shop", WARM) == []  # it goes by itself
    due = retire_due(world.controller(), "shop", "staging")
    assert due is not None
    assert running(world, 1) == ["backend", "frontend"]
    world.now += REST
    due = retire_due(world.controller(), "shop", "staging")
    assert due is not None
    assert (running(world, 1), running(world, 2)) == (["backend"], ["backend", "frontend"])
    world.now = due + 40
    (found, *_) = examine(world.controller(), "shop", WARM)
    assert found.problem.startswith("belongs to no release that is needed")
    retire_due(world.controller(), "shop", "staging")
    assert not world.runtime.list({"shipway.release": "1"})
    assert running(world, 2) == ["backend", "frontend"]
    assert examine(world.controller(), "shop", WARM) == []


def test_the_next_deployment_removes_what_nobody_else_did(world: World) -> None:
    for number in (3, 4):
        deploy(world.controller(), Order(world.release(number, environment=WARM), WARM))
    retire(world.controller(), "shop", "staging")
    assert {item.labels["shipway.release"] for item in world.runtime.list({"shipway.role": "service"})} == {"3", "4"}
    assert running(world, 3) == []


def test_at_once(world: World) -> None:
    assert retire(world.controller(), "shop", "staging") == 2
    assert running(world, 1) == []
    assert in_rotation(world) == {2}
    assert retire(world.controller(), "shop", "staging") == 0


def test_a_rollback_onto_it_starts_only_the_worker(world: World) -> None:
    world.runtime.calls.clear()
    rollback(world.controller(), "shop", "staging", Wish())
    started = [call for call in world.runtime.calls if call.startswith(("create", "start"))]
    assert [call.split("_")[2] for call in started] == ["worker", "worker"]
    assert world.serving() == {1}
    assert running(world, 2) == ["backend", "frontend", "worker"]  # which finishes its job while nobody waits for it
    retire_due(world.controller(), "shop", "staging")
    assert running(world, 2) == ["backend", "frontend"]  # now the other one stands by


def test_what_broke_while_it_stood_by_is_not_switched_to(world: World) -> None:
    for item in world.runtime.containers.values():
        if item.info.labels.get("shipway.release") == "1":
            item.behaviour = dataclasses.replace(item.behaviour, healthy=False)
    retire_due(world.controller(), "shop", "staging")
    world.now += 60
    retire_due(world.controller(), "shop", "staging")
    with pytest.raises(DeployFailed, match="not healthy"):
        rollback(world.controller(), "shop", "staging", Wish())
    assert world.serving() == {2}
    assert in_rotation(world) == {2}


def test_while_a_deployment_is_under_way_it_waits(world: World) -> None:
    world.now += 4000
    world.ledger.acquire("shop/staging", "somebody", "deploys", 15)
    due = retire_due(world.controller(), "shop", "staging")
    assert due is not None
    assert due > world.now
    assert running(world, 1) == ["backend", "frontend"]


def test_who_looks_after_it_survives_an_engine_that_is_away_for_a_moment(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    waits = list[float]()

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        if len(waits) < 3:
            raise EngineError("the engine is away")
        world.now += 4000.0
        yield world.controller()

    @contextmanager
    def alone(*given: object) -> Iterator[Callable[[float], None]]:
        yield waits.append

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.system.caretaker.caretaker", alone)
    assert len(running(world, 1)) == 2
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), "retire", "staging", "--app", "shop", "--when-due"])
    assert (done.exit_code, running(world, 1)) == (0, []), done.output
    assert waits[:3] == pytest.approx([LOOK] * 3, abs=1.0)
