"""`shipway wait`: returns when it is over, with the outcome; never waits for a process that died."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.environment.locks import TTL
from shipway.actions.upkeep.progress import wait_environment, wait_run
from shipway.domain.errors import DeployFailed, Interrupted, ShipwayError, StepFailed, TimedOut, UsageError
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, SUPERSEDED, Deployment, Trigger
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def deployed(world: World, release: int, outcome: str | None) -> int:
    id = world.ledger.begin_deployment(Deployment(0, "shop", "staging", release, "deploy", "ada", "", world.clock()))
    if outcome:
        world.ledger.end_deployment(id, outcome, world.clock(), None, "why")
    return id


@pytest.mark.parametrize(
    ("outcome", "error"),
    [(SUCCEEDED, None), (FAILED, DeployFailed), (CANCELLED, Interrupted), (SUPERSEDED, Interrupted)],
)
def test_an_environment(world: World, outcome: str, error: type[ShipwayError] | None) -> None:
    deployed(world, world.release(1).number, outcome)
    if error is None:
        assert wait_environment(world.controller(), "shop", "staging", 1).outcome == outcome
    else:
        with pytest.raises(error, match="the deploy of release 1 to staging"):
            wait_environment(world.controller(), "shop", "staging", 1)


def test_work_in_progress_is_waited_for(world: World) -> None:
    ctx = world.controller()
    id = deployed(world, world.release(1).number, None)
    lease = ctx.ledger.acquire("shop/staging", "ada", "deploy of release 1", TTL)
    with pytest.raises(TimedOut, match="still waiting for staging after 3 s: deploy of release 1, by ada"):
        wait_environment(ctx, "shop", "staging", 3)
    ctx.ledger.end_deployment(id, SUCCEEDED, world.clock(), None, "")
    ctx.ledger.free(lease)
    assert wait_environment(ctx, "shop", "staging", 3).id == id


def test_a_dead_process_is_not_waited_for(world: World) -> None:
    deployed(world, world.release(1).number, None)
    with pytest.raises(DeployFailed, match="unfinished: its process died") as caught:
        wait_environment(world.controller(), "shop", "staging", 600)
    assert "shipway doctor staging --fix" in caught.value.hint
    number = world.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "x", "ada"), world.clock() - TTL - 1)
    with pytest.raises(StepFailed, match=f"run {number} is unfinished: its process died"):
        wait_run(world.controller(), "shop", number, 600)


def test_a_release_is_waited_for(world: World) -> None:
    with pytest.raises(UsageError, match="nothing was deployed to staging yet"):
        wait_environment(world.controller(), "shop", "staging", 1)
    deployed(world, world.release(1).number, SUCCEEDED)
    second = world.release(2).number
    with pytest.raises(TimedOut, match="release 2 was not deployed there yet"):
        wait_environment(world.controller(), "shop", "staging", 1, second)
    deployed(world, second, SUCCEEDED)
    assert wait_environment(world.controller(), "shop", "staging", 1, second).release == 2


def test_a_run(world: World) -> None:
    ctx = world.controller()

    def begun() -> int:
        number = ctx.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "x", "ada"), world.clock())
        ctx.ledger.begin_step(number, "unit", "key", world.clock())
        return number

    passed, failed, cancelled = begun(), begun(), begun()
    ctx.ledger.acquire(f"shop/run/{passed}", "ada", "pipeline", TTL)
    with pytest.raises(TimedOut, match=f"run {passed} after 1 s"):
        wait_run(ctx, "shop", passed, 1)
    for number, outcome in ((passed, SUCCEEDED), (failed, FAILED), (cancelled, CANCELLED)):
        ctx.ledger.end_step(number, "unit", outcome, world.clock(), None, "`pytest` exited with 1")
        ctx.ledger.end_run(number, outcome, world.clock())
    assert wait_run(ctx, "shop", passed, 1).number == passed
    with pytest.raises(StepFailed, match=r"failed:\n  unit: `pytest` exited with 1"):
        wait_run(ctx, "shop", failed, 1)
    with pytest.raises(Interrupted, match="was cancelled"):
        wait_run(ctx, "shop", cancelled, 1)
