"""An environment or an app that got another name: what the ledger and the labels know can be seen and destroyed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.environment.environments import KnownApp, known_app
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.status import status
from shipway.context import Context
from shipway.domain.errors import PlanError, UsageError
from shipway.domain.plan import Plan
from shipway.testing.memory_project import MemoryProject
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves in staging."""
    return World.deployed(tmp_path, STAGING, 1)


def renamed(world: World) -> KnownApp:
    """The plan calls the environment `stage` now."""
    release = world.ledger.release("shop", 1)
    assert release is not None
    stage = dataclasses.replace(STAGING, name="stage")
    plan = dataclasses.replace(release.plan, environments={"stage": stage})
    return known_app(world.controller(), MemoryProject("shop", plan, is_checkout=True))


def by_app(ctx: Context, plan: Plan | None = None) -> KnownApp:
    """Called with --app from a folder without a plan. plan: of the protected branch."""
    return known_app(ctx, MemoryProject("shop", plan))


@pytest.mark.parametrize("by_name", [False, True])
def test_it_is_seen_and_destroyed(world: World, by_name: bool) -> None:
    known = by_app(world.controller()) if by_name else renamed(world)
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
    known = by_app(dataclasses.replace(other.controller(), machine=world.controller().machine))
    assert [item.name for item in known.environments()] == ["staging"]


def test_the_release_that_runs_decides_and_not_the_branch(world: World) -> None:
    release = world.ledger.release("shop", 1)
    assert release is not None
    elsewhere = dataclasses.replace(STAGING, url="http://elsewhere.localhost")
    production = dataclasses.replace(STAGING, name="production")
    protected = dataclasses.replace(release.plan, environments={"staging": elsewhere, "production": production})
    known = by_app(world.controller(), protected)
    assert known.with_plan("staging") == (release.plan, release.plan.environments["staging"])
    assert known.with_plan("production") == (protected, production)
    assert known.any_plan() == protected
    with pytest.raises(UsageError) as caught:
        known.environment("prod")
    assert caught.value.hint == "it has: staging, production"


def test_an_unreadable_repository_hides_nothing_that_runs(world: World) -> None:
    known = by_app(world.controller())
    assert known.environment("staging").name == "staging"
    with pytest.raises(UsageError, match="no environment 'production'"):
        known.environment("production")
    with pytest.raises(PlanError, match="no plan of shop"):
        known.any_plan()


def test_an_app_that_nobody_knows_is_refused(world: World) -> None:
    known = known_app(world.controller(), MemoryProject("shpo"))
    with pytest.raises(UsageError, match="the ledger has no app 'shpo'") as caught:
        known.environment("staging")
    assert caught.value.hint == "it has: shop"


def test_what_nobody_knows_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="no environment 'prod'") as caught:
        renamed(world).environment("prod")
    assert caught.value.hint == "it has: stage, staging"


def test_a_wrong_name_is_refused_by_every_command(world: World, tmp_path: Path) -> None:
    """Those without an environment too, such as status and history, would have nothing to show."""
    unknown = known_app(world.controller(), MemoryProject("shpo", None))
    with pytest.raises(UsageError, match="the ledger has no app 'shpo'") as caught:
        unknown.require()
    assert caught.value.hint == "it has: shop"
    plan = world.ledger.release("shop", 1).plan  # type: ignore[union-attr]
    by_labels = World(tmp_path / "other")  # its ledger is empty
    labelled = dataclasses.replace(by_labels.controller(), machine=world.controller().machine)
    for known in (
        by_app(world.controller()),
        by_app(labelled),
        known_app(by_labels.controller(), MemoryProject("new", plan, is_checkout=True)),
        known_app(by_labels.controller(), MemoryProject("new", plan)),
    ):
        assert known.require() is known
