"""An environment or an app that got another name: what the ledger and the labels know can be seen and destroyed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.environments import KnownApp, known_app
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.status import status
from shipway.domain.errors import PlanError, UsageError
from shipway.domain.plan import Plan
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves in staging."""
    made = World(tmp_path)
    deploy(made.controller(), DeployRequest(made.release(1), STAGING))
    return made


def renamed(world: World) -> KnownApp:
    """The plan calls the environment `stage` now."""
    release = world.ledger.release("shop", 1)
    assert release is not None
    stage = dataclasses.replace(STAGING, name="stage")
    plan = dataclasses.replace(release.plan, environments={"stage": stage})
    return known_app(world.controller(), None, lambda: plan)


def no_plan() -> Plan:
    raise PlanError("there is no shipway.yaml here", hint="`shipway init` writes one")


@pytest.mark.parametrize("by_name", [False, True])
def test_it_is_seen_and_destroyed(world: World, by_name: bool) -> None:
    known = known_app(world.controller(), "shop", no_plan) if by_name else renamed(world)
    assert [item.name for item in known.environments()] == (["staging"] if by_name else ["stage", "staging"])
    assert status(known.ctx, "shop", known.environment("staging")).services == {
        "frontend": (1, 1),
        "backend": (1, 1),
        "worker": (1, 1),
    }
    assert examine(known.ctx, "shop", known.environment("staging")) == []
    destroy(known.ctx, *known.with_plan("staging"))
    assert world.runtime.containers == {}
    assert world.runtime.volumes == {}
    assert "staging" not in [item.name for item in known.environments()]


def test_labels_are_enough(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other")
    known = known_app(dataclasses.replace(other.controller(), machine=world.controller().machine), "shop", no_plan)
    assert [item.name for item in known.environments()] == ["staging"]


def test_without_a_plan_the_error_names_the_apps(world: World) -> None:
    with pytest.raises(PlanError) as caught:
        known_app(world.controller(), None, no_plan)
    assert "pass --app NAME: the ledger knows shop" in caught.value.hint


def test_what_nobody_knows_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="no environment 'prod'") as caught:
        renamed(world).environment("prod")
    assert caught.value.hint == "it has: stage, staging"
