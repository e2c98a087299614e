"""What is on standby leaves the rotation when its requests have ended, and stops when its time is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.retire import retire, retire_due
from shipway.actions.upkeep.status import status
from shipway.cli import cli
from shipway.cli.retire import LOOK
from shipway.context import Context
from shipway.domain.draining import QUIET, REST
from shipway.domain.errors import DeployFailed, EngineError
from shipway.domain.names import rotation_network
from shipway.domain.plan import LOCAL, Host
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

WARM = dataclasses.replace(STAGING, standby=3600.0)
ROTATION = rotation_network("shop", "staging")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 2 serves, release 1 is on standby."""
    return World.deployed(tmp_path, WARM, 1, 2)


def running(world: World, release: int) -> list[str]:
    found = world.runtime.list({"shipway.release": str(release)})
    return sorted(item.labels["shipway.name"] for item in found if item.running)


def busy(world: World, release: int, count: int | None) -> None:
    """The release's backend has so many connections open; None: that can't be known."""
    for name in world.runtime.containers:
        if f"_backend_{release}-" in name:
            world.runtime.open[name] = count


def in_rotation(world: World) -> set[int]:
    return {
        int(world.runtime.containers[name].info.labels["shipway.release"]) for name in world.runtime.networks[ROTATION]
    }


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
    deploy(world.controller(), DeployRequest(world.release(3, environment=WARM), WARM))
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
    assert found.problem.startswith("belongs to no needed release")
    retire_due(world.controller(), "shop", "staging")
    assert not world.runtime.list({"shipway.release": "1"})
    assert running(world, 2) == ["backend", "frontend"]
    assert examine(world.controller(), "shop", WARM) == []


def test_the_next_deployment_removes_what_nobody_else_did(world: World) -> None:
    for number in (3, 4):
        deploy(world.controller(), DeployRequest(world.release(number, environment=WARM), WARM))
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
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    started = [call for call in world.runtime.calls if call.startswith(("create", "start"))]
    assert [call.split("_")[2] for call in started] == ["worker", "worker"]
    assert world.serving() == {1}
    assert running(world, 2) == ["backend", "frontend", "worker"]  # which finishes its job while nobody waits for it
    retire_due(world.controller(), "shop", "staging")
    assert running(world, 2) == ["backend", "frontend"]  # now the other one is on standby


def test_what_broke_while_it_stood_by_is_not_switched_to(world: World) -> None:
    for item in world.runtime.containers.values():
        if item.info.labels.get("shipway.release") == "1":
            item.behaviour = dataclasses.replace(item.behaviour, healthy=False)
    retire_due(world.controller(), "shop", "staging")
    world.now += 60
    retire_due(world.controller(), "shop", "staging")
    with pytest.raises(DeployFailed, match="not healthy"):
        rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {2}
    assert in_rotation(world) == {2}


def test_while_a_deployment_is_under_way_it_waits(world: World) -> None:
    world.now += 4000
    world.ledger.acquire("shop/staging", "somebody", "deploys", 15)
    due = retire_due(world.controller(), "shop", "staging")
    assert due is not None
    assert due > world.now
    assert running(world, 1) == ["backend", "frontend"]


def test_who_looks_after_it_survives_an_engine_that_is_away_for_a_moment(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits = list[float]()

    @contextmanager
    def opened(*given: object, **more: object) -> Iterator[Context]:
        if len(waits) < 3:
            raise EngineError("the engine is away")
        world.now += 4000.0
        yield world.controller()

    @contextmanager
    def alone(*given: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(sleep=waits.append, called=lambda: False)

    monkeypatch.setattr("shipway.app.open_context", opened)
    monkeypatch.setattr("shipway.system.caretaker.caretaker", alone)
    assert len(running(world, 1)) == 2
    done = CliRunner().invoke(cli, ["--home", str(tmp_path), "retire", "staging", "--app", "shop", "--when-due"])
    assert (done.exit_code, running(world, 1)) == (0, []), done.output
    assert waits[:3] == pytest.approx([LOOK] * 3, abs=1.0)


def test_no_release_stays_where_no_background_process_removes_it(world: World) -> None:
    """Also not where the next releases have no standby, so that none takes its place."""
    cold = dataclasses.replace(STAGING, standby=0.0)
    for number in (3, 4):
        world.now += 600
        deploy(world.controller(), DeployRequest(world.release(number, environment=cold), cold))
    assert running(world, 1) == []


def test_one_that_is_overdue_ends_with_the_command(world: World) -> None:
    world.now += WARM.standby + 1
    deploy(world.controller(), DeployRequest(world.release(3, environment=WARM), WARM))
    assert running(world, 1) == []


def test_a_hosted_job_leaves_nothing_for_later(world: World) -> None:
    world.now += 60
    ctx = dataclasses.replace(world.controller(), background=False)
    deploy(ctx, DeployRequest(world.release(3, environment=WARM), WARM))
    assert running(world, 1) == []


def test_right_after_a_deployment_nothing_is_wrong(world: World) -> None:
    """However long ago the release that is removed next was replaced."""
    world.now += 600
    deploy(world.controller(), DeployRequest(world.release(3, environment=WARM), WARM))
    assert running(world, 1) == ["backend", "frontend"]
    assert examine(world.controller(), "shop", WARM) == []
    found = status(world.controller(), "shop", WARM)
    assert ([item.release for item in found.draining], found.orphans) == ([1], ())
    assert found.draining[0].until > world.now


def test_a_deployment_by_a_clock_that_is_ahead_delays_no_removal(world: World) -> None:
    world.now += 60
    deploy(world.controller(ahead=3600.0), DeployRequest(world.release(3, environment=WARM), WARM))
    due = retire_due(world.controller(), "shop", "staging")
    assert due is not None
    assert due <= world.now + REST


def test_a_removal_gives_way_to_a_command_that_waits(world: World) -> None:
    """The lock is held for one container at a time."""
    world.now += 60
    deploy(world.controller(), DeployRequest(world.release(3, environment=WARM), WARM))
    world.now += REST
    held = list[int]()
    ctx = world.controller()
    remove, acquire = world.runtime.remove, ctx.ledger.acquire

    def removed(name: str, *, volumes: bool = True) -> None:
        held[-1] += 1
        remove(name, volumes=volumes)

    def acquired(*given: Any, **more: Any) -> Any:
        held.append(0)
        return acquire(*given, **more)

    world.runtime.remove = removed  # type: ignore[method-assign]
    ctx.ledger.acquire = acquired  # type: ignore[method-assign]
    retire_due(ctx, "shop", "staging")
    assert not world.runtime.list({"shipway.release": "1"})
    assert sum(held) > 1
    assert max(held) == 1


def test_a_host_that_is_away_keeps_no_release_on_the_others(tmp_path: Path) -> None:
    two = dataclasses.replace(WARM, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))
    world = World.deployed(tmp_path, two, 1, 2)
    world.engines["ssh://b"].away = True
    world.now += 4000.0
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        retire_due(world.controller(), "shop", "staging")
    assert running(world, 1) == []
    world.engines["ssh://b"].away = False
    while (at := retire_due(world.controller(), "shop", "staging")) is not None:
        world.now = max(world.now, at)
    there = world.engines["ssh://b"].runtime.list({"shipway.release": "1"})
    assert not any(item.running for item in there)
