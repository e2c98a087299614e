"""Restarts and numbers of replicas."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.operations.adjust import restart, scale
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.retire import retire_due
from shipway.actions.upkeep.status import status
from shipway.domain.adjustments import Adjustments
from shipway.domain.errors import DeployFailed, UsageError
from shipway.domain.plan import Strategy
from shipway.domain.release import SUCCEEDED
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.deployed(tmp_path, STAGING, 1)
    return world


def drain(world: World) -> None:
    """As the background process does."""
    while (due := retire_due(world.controller(), "shop", "staging")) is not None:
        world.now = max(world.now, due)


def running(world: World) -> dict[str, list[str]]:
    """Ids of the running containers, by service."""
    found: dict[str, list[str]] = {}
    for item in world.runtime.containers.values():
        if item.info.running:
            found.setdefault(item.spec.labels["shipway.name"], []).append(item.info.id[:6])
    return found


def kinds(world: World) -> list[tuple[str, str, str]]:
    return [(item.kind, item.reason, item.outcome) for item in reversed(world.ledger.history("shop", "staging"))][1:]


def test_a_restart_gives_new_containers_for_old_ones(world: World) -> None:
    before, calls = running(world), len(world.runtime.calls)
    world.runtime.open = {name: 1 for name in world.runtime.containers if "backend" in name}  # a long request
    assert restart(world.controller(), "shop", "staging", reason="a leak") == 1
    assert world.serving() == {1}
    assert len(running(world)["backend"]) == 2, "the old one drains"
    assert status(world.controller(), "shop", STAGING).services["backend"] == (1, 1)
    world.runtime.open = {}
    drain(world)
    after = running(world)
    assert {name: len(ids) for name, ids in after.items()} == {name: len(ids) for name, ids in before.items()}
    assert after["db"] == before["db"]
    assert all(set(after[name]).isdisjoint(before[name]) for name in ("frontend", "backend", "worker"))
    assert kinds(world) == [("restart", "restart: a leak", SUCCEEDED)]
    assert not any(call.startswith("create shop_staging_job") for call in world.runtime.calls[calls:]), (
        "no seed, no migration"
    )
    assert examine(world.controller(), "shop", STAGING) == []


def test_a_service_that_is_named_twice_is_restarted_once(tmp_path: Path) -> None:
    where = dataclasses.replace(STAGING, strategy=Strategy("rolling"))
    world = World.deployed(tmp_path, where, 1)
    restart(world.controller(), "shop", "staging", ["worker", "worker"])
    assert world.ledger.current("shop", "staging").adjustments.restarts == {"worker": 1}  # type: ignore[union-attr]


def test_only_the_named_service(world: World) -> None:
    before = running(world)
    restart(world.controller(), "shop", "staging", ["backend"])
    drain(world)
    after = running(world)
    assert after["backend"] != before["backend"]
    assert {**after, "backend": []} == {**before, "backend": []}
    restart(world.controller(), "shop", "staging", ["backend"])
    drain(world)
    assert running(world)["backend"] not in (before["backend"], after["backend"])
    assert examine(world.controller(), "shop", STAGING) == []


def test_the_old_ones_serve_until_the_new_ones_are_healthy(world: World) -> None:
    before = running(world)
    world.runtime.behave("backend", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        restart(world.controller(), "shop", "staging", ["backend"])
    assert running(world) == before
    assert world.serving() == {1}
    assert examine(world.controller(), "shop", STAGING) == []


def test_a_deployment_again_after_a_restart_changes_nothing(world: World) -> None:
    restart(world.controller(), "shop", "staging")
    drain(world)
    before = running(world)
    release = world.ledger.release("shop", 1)
    assert release is not None
    assert deploy(world.controller(), DeployRequest(release, STAGING)) is None
    assert running(world) == before


def test_a_rollback_finds_the_restarted_containers(world: World) -> None:
    standby = dataclasses.replace(STAGING, standby=900.0)
    deploy(world.controller(), DeployRequest(world.release(2, environment=standby), standby))
    restart(world.controller(), "shop", "staging", ["frontend"])
    drain_now = running(world)["frontend"]
    deploy(world.controller(), DeployRequest(world.release(3, environment=standby), standby))
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert set(running(world)["frontend"]) & set(drain_now)
    assert world.serving() == {2}
    assert examine(world.controller(), "shop", standby) == []


def test_one_service_after_the_other_where_memory_is_short(tmp_path: Path) -> None:
    world = World(tmp_path)
    small = dataclasses.replace(STAGING, strategy=Strategy("rolling"))
    deploy(world.controller(), DeployRequest(world.release(1, environment=small), small))
    restart(world.controller(), "shop", "staging")
    assert [reason for _, reason, _ in kinds(world)] == [
        "restart of frontend",
        "restart of backend",
        "restart of worker",
    ]
    assert world.serving() == {1}


def test_more_replicas_and_fewer(world: World) -> None:
    first = running(world)
    assert scale(world.controller(), "shop", "staging", {"backend": 3, "worker": 0}, reason="sale") == {
        "backend": 3, "worker": 0,
    }  # fmt: skip
    drain(world)
    now = running(world)
    assert (len(now["backend"]), "worker" in now) == (3, False)
    assert first["backend"][0] in now["backend"], "what runs stays"
    assert kinds(world) == [("scale", "scale backend=3, worker=0: sale", SUCCEEDED)]
    found = status(world.controller(), "shop", STAGING)
    assert found.services["backend"] == (3, 3)
    assert found.scaled == {"backend": (3, 1), "worker": (0, 1)}
    assert scale(world.controller(), "shop", "staging", {"backend": None, "worker": None}) == {
        "backend": 1,
        "worker": 1,
    }
    drain(world)
    assert {name: len(ids) for name, ids in running(world).items()} == dict.fromkeys(first, 1)
    assert status(world.controller(), "shop", STAGING).scaled == {}
    assert scale(world.controller(), "shop", "staging", {"backend": 1}) == {}


def test_doctor_shows_it_and_does_not_undo_it(world: World) -> None:
    scale(world.controller(), "shop", "staging", {"backend": 2})
    drain(world)
    (finding,) = examine(world.controller(), "shop", STAGING)
    assert finding.thing == "backend"
    assert finding.problem == (
        "was scaled to 2 replicas, the plan has 1: `shipway scale staging backend=plan` returns to that"
    )
    assert finding.remedy == ""
    world.runtime.remove(next(name for name in world.runtime.containers if "backend" in name and name.endswith("_2")))
    repair(world.controller(), "shop", STAGING)
    assert len(running(world)["backend"]) == 2


def test_it_survives_deployments_until_the_plan_has_another_number(world: World) -> None:
    scale(world.controller(), "shop", "staging", {"backend": 3})
    deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    drain(world)
    assert len(running(world)["backend"]) == 3
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    drain(world)
    assert len(running(world)["backend"]) == 3
    more = dataclasses.replace(STAGING, replicas={"backend": 2})
    deploy(world.controller(), DeployRequest(world.release(3, environment=more), more))
    drain(world)
    assert len(running(world)["backend"]) == 2
    assert status(world.controller(), "shop", more).scaled == {}


def test_a_restart_keeps_the_number(world: World) -> None:
    scale(world.controller(), "shop", "staging", {"backend": 2})
    restart(world.controller(), "shop", "staging", ["backend"])
    drain(world)
    assert len(running(world)["backend"]) == 2
    now = world.ledger.current("shop", "staging")
    assert now is not None
    assert now.adjustments == Adjustments({"backend": 2}, {"backend": 1})


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"nosuch": 1}, "no service or accessory 'nosuch'"),
        ({"db": 2}, "db is an accessory"),
        ({"frontend": 0}, "its visitors would get errors"),
        ({"worker": 10_001}, "0 to 10000 replicas"),
    ],
)
def test_impossible_numbers_change_nothing(world: World, numbers: dict[str, int | None], message: str) -> None:
    before = world.state()
    with pytest.raises(UsageError, match=message):
        scale(world.controller(), "shop", "staging", numbers)
    assert world.state() == before


def test_a_schema_that_a_rollback_kept_stays_known(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(2, "0002"), STAGING))
    first, second = (world.ledger.release("shop", number) for number in (1, 2))
    assert first is not None
    assert second is not None
    world.proven(second, first)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    ahead = status(world.controller(), "shop", STAGING).ahead
    schema = list(world.database.applied)
    restart(world.controller(), "shop", "staging")
    assert status(world.controller(), "shop", STAGING).ahead == ahead
    assert world.database.applied == schema


@pytest.mark.every_point
@pytest.mark.parametrize("number", range(1, 60, 7))
def test_a_controller_that_dies_at_any_effect(world: World, number: int) -> None:
    """The next one completes the restart, or takes it back."""
    count = {name: len(ids) for name, ids in running(world).items()}
    with suppress(Killed):
        restart(world.controller(dies=Death(number, after=False)), "shop", "staging")
    world.now += 15
    with exclusive_access(world.controller(), "shop", "staging", "next", wait=60):
        pass
    drain(world)
    assert world.serving() == {1}
    assert {name: len(ids) for name, ids in running(world).items()} == count
    assert examine(world.controller(), "shop", STAGING) == []
    assert world.ledger.pending("shop", "staging") == []
