"""`shipway rename`: one record, after which every name finds the same, and nothing on a host has moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.locks import TTL
from shipway.actions.projects.renamed import hints, refuse_renamed
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.rename import rename_app, rename_environment
from shipway.domain.errors import GateRefused, LeaseHeld, UsageError
from shipway.domain.plan import Plan
from shipway.domain.registration import Registration
from shipway.domain.release import Deployment, Trigger
from shipway.testing.faults import Death, Killed
from tests.unit.domain.samples import PLAN, STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.deployed(tmp_path, STAGING, 1)


def known(world: World, plan: Plan | None = None, death: Death | None = None) -> KnownApp:
    return KnownApp(world.controller(dies=death), "shop", plan)


def called(plan: Plan, name: str) -> Plan:
    """The plan of a commit that calls staging by another name."""
    return replace(plan, environments={name: replace(plan.environments["staging"], name=name)})


def test_nothing_moves_and_the_next_deployment_is_one_of_the_same_environment(world: World) -> None:
    before = world.state()
    assert rename_environment(known(world), "staging", "preview", "clearer")
    assert world.state() == before
    ctx = world.controller()
    second = world.release(2)
    plan = ctx.names.plan(called(second.plan, "preview"))
    assert plan == second.plan
    deploy(ctx, DeployRequest(second, plan.environments["staging"]))
    assert world.serving() == {2}
    assert "deploy preview" in world.notes
    assert known(world, plan).with_plan("preview") == known(world, plan).with_plan("staging")
    rollback(world.controller(), "shop", known(world).kept("preview"), RollbackRequest())
    assert world.serving() == {1}
    assert ctx.secrets.get("shop/staging", "KEY") == "secret-key"


def test_an_app_is_found_by_both_names(world: World) -> None:
    before = world.state()
    assert rename_app(world.controller(), "shop", "store", "")
    assert world.state() == before
    names = world.controller().names
    assert names.app("store") == names.app("shop") == "shop"
    assert names.plan(replace(PLAN, app="store")) == PLAN
    assert rename_app(world.controller(), "store", "boutique", ""), "by its present name"
    assert rename_app(world.controller(), "shop", "shop", ""), "and back, by any name"
    assert world.controller().names.shown("shop") == "shop"


def test_it_is_called_that_already(world: World) -> None:
    assert rename_environment(known(world), "staging", "preview", "")
    assert not rename_environment(known(world), "staging", "preview", "")
    assert len(world.ledger.renamings()) == 1


@pytest.mark.parametrize("name", ["production", "legacy"])
def test_a_name_that_another_environment_has_or_had_is_taken(world: World, name: str) -> None:
    record = Deployment(0, "shop", "legacy", 1, "deploy", "ada", "", world.clock())
    world.ledger.end_deployment(world.ledger.begin_deployment(record), "succeeded", world.clock(), None, "")
    assert rename_environment(known(world), "legacy", "production", "")
    with pytest.raises(UsageError, match=f"an environment of shop is or was called {name}"):
        rename_environment(known(world), "staging", name, "")


def test_a_name_with_secrets_is_taken(world: World) -> None:
    world.controller().secrets.set("shop/preview", "KEY", "other")
    with pytest.raises(UsageError, match="is or was called preview"):
        rename_environment(known(world), "staging", "preview", "")


def test_a_name_of_another_app_is_taken(world: World) -> None:
    world.ledger.register(Registration("blog", "/srv/blog.git", "shipway.yaml", "main", "", "ada", 1.0))
    with pytest.raises(UsageError, match="an app is or was called blog"):
        rename_app(world.controller(), "shop", "blog", "")


def test_both_names_in_one_plan_are_refused(world: World) -> None:
    plan = replace(PLAN, environments={**PLAN.environments, "preview": replace(STAGING, name="preview")})
    with pytest.raises(UsageError, match="the plan has both staging and preview"):
        rename_environment(known(world, plan), "staging", "preview", "")


@pytest.mark.parametrize("name", ["Preview", "my_preview", "", "-", "registry", "build", "prove"])
def test_a_name_that_no_plan_can_have(world: World, name: str) -> None:
    with pytest.raises(UsageError):
        rename_environment(known(world), "staging", name, "")


def test_unknown_ones_are_named_with_those_that_exist(world: World) -> None:
    with pytest.raises(UsageError, match="has no environment 'prod' of shop") as caught:
        rename_environment(known(world), "prod", "production", "")
    assert "it has: staging" in caught.value.hint
    with pytest.raises(UsageError, match="the ledger has no app 'blog'"):
        rename_app(world.controller(), "blog", "journal", "")


def test_work_in_progress_refuses_it(world: World) -> None:
    lease = world.ledger.acquire("shop/staging", "ada", "deploy of release 2", TTL)
    for attempt in (
        lambda: rename_environment(known(world), "staging", "preview", ""),
        lambda: rename_app(world.controller(), "shop", "store", ""),
    ):
        with pytest.raises((UsageError, LeaseHeld), match="deploy of release 2 is in progress, by ada"):
            attempt()
    world.ledger.free(lease)
    number = world.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "x", "ada"), world.ledger.now())
    world.ledger.acquire(f"shop/run{number}", "ada", "run", TTL)
    with pytest.raises(UsageError, match="pipeline of aaaaaaaaaaaa is in progress"):
        rename_environment(known(world), "staging", "preview", "")
    assert world.ledger.renamings() == []


def test_a_deployment_that_a_dead_process_left_refuses_it(world: World) -> None:
    world.ledger.begin_deployment(Deployment(0, "shop", "staging", 1, "deploy", "ada", "", world.clock()))
    with pytest.raises(UsageError, match="the deploy of release 1 to staging is unfinished") as caught:
        rename_environment(known(world), "staging", "preview", "")
    assert "shipway doctor staging --fix" in caught.value.hint


@pytest.mark.every_point
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_effect_it_is_renamed_or_not(tmp_path: Path, after: bool) -> None:
    at = 0
    while True:
        at += 1
        world = World(tmp_path / f"{at}")
        deploy(world.controller(), DeployRequest(world.release(1), STAGING))
        before, death = world.state(), Death(at, after=after)
        try:
            rename_environment(known(world, death=death), "staging", "preview", "")
        except Killed:
            pass
        assert world.state() == before
        world.now += 2 * TTL  # the dead process's lock expires
        rename_environment(known(world), "staging", "preview", "")
        assert [item.name for item in world.ledger.renamings()] == ["preview"]
        world.close()
        if not death.done:
            break
    assert at > 1


# A plan that says another name while the ledger doesn't know it.


def test_the_address_of_an_environment_that_the_plan_lacks_is_not_taken_over(world: World) -> None:
    plan = called(PLAN, "preview")
    with pytest.raises(
        GateRefused, match="nothing was ever deployed to preview, and it has the address of staging"
    ) as caught:
        refuse_renamed(world.controller(), plan, "preview")
    assert "shipway rename environment staging preview" in caught.value.hint
    assert hints(world.ledger, plan) == [
        "nothing was ever deployed to preview; is it staging, renamed? shipway rename environment staging preview"
    ]


def test_a_new_environment_with_an_address_of_its_own_is_only_noted(world: World) -> None:
    plan = replace(PLAN, environments={"preview": replace(STAGING, name="preview", url="http://preview.localhost")})
    refuse_renamed(world.controller(), plan, "preview")
    assert world.notes[-1].startswith("note: nothing was ever deployed to preview")


def test_a_new_environment_beside_the_old_one_is_no_renaming(world: World) -> None:
    plan = replace(PLAN, environments={**PLAN.environments, "preview": replace(STAGING, name="preview")})
    notes = len(world.notes)
    refuse_renamed(world.controller(), plan, "preview")
    assert world.notes[notes:] == []
    assert hints(world.ledger, plan) == []


def test_after_the_renaming_there_is_no_hint(world: World) -> None:
    rename_environment(known(world), "staging", "preview", "")
    ctx = world.controller()
    refuse_renamed(ctx, ctx.names.plan(called(PLAN, "preview")), "staging")
    assert hints(world.ledger, called(PLAN, "preview")) == []


def test_an_app_that_the_plan_renames_is_recognized(world: World) -> None:
    world.ledger.register(Registration("shop", "/srv/shop.git", "shipway.yaml", "main", "", "ada", 1.0))
    plan = replace(PLAN, app="store", environments={"staging": STAGING})
    assert hints(world.ledger, plan) == [
        "the ledger has no app store; is it shop, renamed? shipway rename app shop store"
    ]
    rename_app(world.controller(), "shop", "store", "")
    assert hints(world.ledger, plan) == []
