"""A seed that runs once in an environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.launches.seed import seed_again
from shipway.domain.errors import DeployFailed, UsageError
from shipway.domain.tasks import Seed
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.world import World

ONCE = replace(samples.STAGING, seed=Seed("backend", "fill", each="environment"), checks=("smoke",))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.runtime.behave("*_check_*", Behaviour(exit_code=0))
    yield made
    made.close()


def seeds(world: World) -> list[str]:
    return [item.outcome for item in world.ledger.launch_records("shop", "staging")]


def test_it_runs_once(world: World) -> None:
    for number in (1, 2):
        deploy(world.controller(), DeployRequest(world.release(number, environment=ONCE), ONCE))
    assert seeds(world) == ["pending", "succeeded"]
    seed_again(world.controller(), "shop", "staging")
    assert seeds(world) == ["pending", "succeeded"] * 2


def test_it_runs_again_if_its_deployment_was_taken_back_with_the_database(world: World) -> None:
    release = world.release(1, environment=ONCE)
    world.runtime.behave("*_check_*", Behaviour(exit_code=1))
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(release, ONCE))
    assert seeds(world) == ["pending"]
    world.runtime.behave("*_check_*", Behaviour(exit_code=0))
    deploy(world.controller(), DeployRequest(release, ONCE))
    assert seeds(world) == ["pending", "pending", "succeeded"]


def test_each_deployment_is_the_default(world: World) -> None:
    each = replace(ONCE, seed=Seed("backend", "fill"))
    for number in (1, 2):
        deploy(world.controller(), DeployRequest(world.release(number, environment=each), each))
    assert seeds(world) == [], "nothing to remember"
    assert sum("fill" in note for note in world.notes) >= 2


def test_nothing_to_run(world: World) -> None:
    with pytest.raises(UsageError, match="nothing runs in staging"):
        seed_again(world.controller(), "shop", "staging")
    bare = replace(ONCE, seed=None)
    deploy(world.controller(), DeployRequest(world.release(1, environment=bare), bare))
    with pytest.raises(UsageError, match="has no seed"):
        seed_again(world.controller(), "shop", "staging")
