"""A host that vanishes in the middle of a deployment, which so can't be taken back there: that is done when it is back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.former_hosts import forget
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.status import status
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.plan import LOCAL, Host
from shipway.domain.release import FAILED, PENDING, SUCCEEDED
from tests.unit.domain.samples import STAGING
from tests.unit.world import Engine, World

TWO = dataclasses.replace(STAGING, standby=3600.0, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves on two hosts."""
    return World.deployed(tmp_path, TWO, 1)


def vanish(world: World, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The second host does so before its switch, or after it."""
    lost = world.engines["ssh://b"]
    switch = lost.edge.switch

    def last(*args: Any) -> None:
        if after:
            switch(*args)
        lost.away = True
        raise EngineError("ssh://b can't be reached")

    monkeypatch.setattr(lost.edge, "switch", last)


def outcome(world: World) -> str:
    return world.ledger.deployments("shop", "staging")[0].outcome


@pytest.mark.parametrize("after", [False, True])
def test_the_next_command_takes_it_back_when_the_host_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    second = DeployRequest(world.release(2, environment=TWO), TWO)
    with monkeypatch.context() as patch:
        vanish(world, patch, after=after)
        with pytest.raises(EngineError):
            deploy(world.controller(), second)
    assert outcome(world) == PENDING
    assert "the deployment stays pending: the next command completes it or rolls it back" in world.notes
    with exclusive_access(world.controller(), "shop", "staging", "while it is away"):
        pass
    assert outcome(world) == PENDING
    assert "stays pending: ssh://b can't be reached" in world.notes[-1]
    world.engines["ssh://b"].away = False
    with exclusive_access(world.controller(), "shop", "staging", "when it is back"):
        pass
    assert (outcome(world), world.serving()) == (FAILED, {1})
    deploy(world.controller(), second)
    assert (outcome(world), world.serving()) == (SUCCEEDED, {2})


B = "ssh://b"
ALONE = dataclasses.replace(TWO, hosts=TWO.hosts[:1])


@pytest.fixture
def dropped(world: World) -> World:
    """The second host was taken out of the plan while it could not be reached."""
    world.engines[B].away = True
    deploy(world.controller(), DeployRequest(world.release(2, environment=ALONE), ALONE, force=True))
    return world


def services(world: World, host: str) -> list[str]:
    return [
        name
        for name, item in world.engines[host].runtime.containers.items()
        if item.info.labels["shipway.role"] == "service"
    ]


def test_one_that_left_the_plan_is_named_until_it_is_clean(dropped: World) -> None:
    ctx = dropped.controller()
    assert status(ctx, "shop", ALONE).former_hosts == {B: "ssh://b can't be reached"}
    (finding,) = examine(ctx, "shop", ALONE)
    assert finding.host == B
    assert "may still run (ssh://b can't be reached)" in finding.problem
    assert "once it is reachable, `shipway doctor staging --fix` cleans it up" in finding.problem
    repair(dropped.controller(), "shop", ALONE)
    assert status(ctx, "shop", ALONE).former_hosts, "it is not back yet"
    dropped.engines[B].away = False
    (finding,) = examine(ctx, "shop", ALONE)
    assert (finding.host, finding.remedy) == (B, "clean it up; accessories and volumes stay")
    assert "still has shop_staging_backend_1-" in finding.problem
    repair(dropped.controller(), "shop", ALONE)
    assert (services(dropped, B), dropped.engines[B].runtime.networks, dropped.engines[B].edge.tables) == ([], {}, {})
    assert examine(ctx, "shop", ALONE) == []
    assert status(ctx, "shop", ALONE).former_hosts == {}
    assert dropped.serving() == {2}


def test_the_next_deployment_cleans_it_up_too(dropped: World) -> None:
    deploy(dropped.controller(), DeployRequest(dropped.release(3, environment=ALONE), ALONE))
    assert status(dropped.controller(), "shop", ALONE).former_hosts
    dropped.engines[B].away = False
    deploy(dropped.controller(), DeployRequest(dropped.release(4, environment=ALONE), ALONE))
    assert services(dropped, B) == []
    assert status(dropped.controller(), "shop", ALONE).former_hosts == {}


def test_a_host_that_is_in_the_plan_again_is_none(dropped: World) -> None:
    dropped.engines[B].away = False
    deploy(dropped.controller(), DeployRequest(dropped.release(3, environment=TWO), TWO, force=True))
    assert status(dropped.controller(), "shop", TWO).former_hosts == {}
    assert examine(dropped.controller(), "shop", TWO) == []


def test_one_that_can_not_be_cleaned_up_is_remembered(world: World) -> None:
    world.engines[B].runtime.fail("remove", error=EngineError("the engine is tired"))
    with pytest.raises(EngineError):
        deploy(world.controller(), DeployRequest(world.release(2, environment=ALONE), ALONE, force=True))
    assert world.engines[LOCAL].edge.tables
    assert list(status(world.controller(), "shop", ALONE).former_hosts) == [B]
    repair(world.controller(), "shop", ALONE)
    assert (services(world, B), status(world.controller(), "shop", ALONE).former_hosts) == ([], {})


def test_one_that_is_gone_for_good_can_be_forgotten(dropped: World) -> None:
    ctx = dropped.controller()
    with pytest.raises(UsageError, match="ssh://c is not a former host of staging") as caught:
        forget(ctx, "shop", "staging", "ssh://c")
    assert caught.value.hint == "former hosts: ssh://b"
    forget(ctx, "shop", "staging", B)
    assert examine(ctx, "shop", ALONE) == []


def test_a_destroyed_environment_is_known_until_its_former_hosts_are_clean(dropped: World) -> None:
    ctx = dropped.controller()
    release = dropped.ledger.release("shop", 2)
    assert release is not None
    destroy(ctx, release.plan, ALONE)
    assert any("ssh://b was removed from the plan, but not cleaned up" in note for note in dropped.notes)
    (environment,) = KnownApp(ctx, "shop", None).environments()
    assert list(status(ctx, "shop", environment).former_hosts) == [B]
    dropped.engines[B].away = False
    repair(ctx, "shop", environment)
    assert dropped.engines[B].runtime.containers == {}
    assert KnownApp(ctx, "shop", None).environments() == []


def test_a_database_on_a_host_that_can_not_be_reached_does_not_begin_empty_elsewhere(world: World) -> None:
    moved = dataclasses.replace(TWO, hosts=(Host(B),))
    made = World.copy(world, world._folder.with_name("moved"))
    here = made.engines[LOCAL]
    made.engines = {LOCAL: here, B: made.engines[B]}
    away = dataclasses.replace(TWO, hosts=(Host("ssh://c", "10.0.0.1"), Host(B)))
    made.engines["ssh://c"] = Engine("ssh://c", made.images)
    deploy(made.controller(), DeployRequest(made.release(2, environment=away), away, force=True))
    made.engines["ssh://c"].away = True
    with pytest.raises(UsageError, match=r"db \(on ssh://c, which is unreachable\) would start empty on ssh://b"):
        deploy(made.controller(), DeployRequest(made.release(3, environment=moved), moved))
    deploy(made.controller(), DeployRequest(made.release(4, environment=moved), moved, force=True))
    assert made.engines[B].runtime.containers["shop_staging_db"].info.running
    assert list(status(made.controller(), "shop", moved).former_hosts) == ["ssh://c"]


def test_a_host_that_is_gone_for_good_is_taken_out_of_the_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    vanish(world, monkeypatch, after=True)
    with pytest.raises(EngineError):
        deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))
    alone = dataclasses.replace(TWO, hosts=TWO.hosts[:1])
    third = DeployRequest(world.release(3, environment=alone), alone, force=True)  # the database is published no more
    deploy(world.controller(), third)
    assert any("skipped, since it was removed from the plan" in note for note in world.notes)
    assert {group["release"] for route in world.edge.tables["shop_staging"]["routes"] for group in route["groups"]} == {
        3
    }
    deploy(world.controller(), DeployRequest(world.release(4, environment=alone), alone))
    assert [item.outcome for item in world.ledger.deployments("shop", "staging")] == [
        SUCCEEDED,
        SUCCEEDED,
        FAILED,
        SUCCEEDED,
    ]
