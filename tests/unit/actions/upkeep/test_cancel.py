"""A run or a deployment is cancelled by another process: what lives stops and cleans up, what died is cleaned up after."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment import locks
from shipway.actions.environment.cancellation import cancellation, request_cancel
from shipway.actions.environment.locks import CARETAKER, TTL, environment_lease
from shipway.actions.upkeep import cancel as cancelling
from shipway.actions.upkeep.cancel import cancel_environment, cancel_run, refuse_too_late
from shipway.actions.upkeep.progress import in_progress
from shipway.context import Context
from shipway.domain.errors import Interrupted, TimedOut, UsageError
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, Trigger
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.unit.actions.runs.test_resume import Team
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Release 1 serves; from now on its clock is the machine's."""
    monkeypatch.setattr(locks, "LOOK", 0.01)
    monkeypatch.setattr(cancelling, "POLL", 0.01)
    made = World.deployed(tmp_path, STAGING, 1)
    made.waits = True
    yield made
    made.close()


@contextmanager
def other_process(work: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Work in another thread; gives the errors that it ended with."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield errors
    finally:
        thread.join(30)
        assert not thread.is_alive()


def wait(until: Callable[[], object]) -> None:
    over = threading.Event()
    for _ in range(2000):
        if until():
            return
        over.wait(0.01)
    raise AssertionError("it never happened")


def test_a_deployment_is_rolled_back_and_says_who_cancelled_it(world: World) -> None:
    release = world.release(2)
    world.runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    theirs = world.controller()
    with other_process(lambda: deploy(theirs, DeployRequest(release, STAGING))) as errors:
        wait(
            lambda: (
                world.ledger.pending("shop", "staging")
                and any("backend_2-" in name for name in world.runtime.containers)
            )
        )
        done = cancel_environment(world.controller(), "shop", "staging", "the wrong branch", timeout=30)
    assert [type(error) for error in errors] == [Interrupted]
    assert done is not None
    assert done.outcome == CANCELLED
    assert done.detail.startswith("cancelled by controller-")
    assert done.detail.endswith(": the wrong branch")
    assert world.serving() == {1}
    assert not world.ledger.pending("shop", "staging")
    assert not any("backend_2-" in name for name in world.runtime.containers)
    assert in_progress(world.controller(), "shop") == []


def test_other_work_under_the_lock_is_interrupted_as_by_a_signal(world: World) -> None:
    interrupted = threading.Event()
    ctx = dataclasses.replace(world.controller(), interrupt=interrupted.set)

    def work() -> None:
        with environment_lease(ctx, "shop", "staging", "snapshot") as own:
            assert interrupted.wait(30)
            assert own.interruption() == f"cancelled by {asking.actor}"

    asking = world.controller()
    with other_process(work) as errors:
        wait(lambda: in_progress(asking, "shop"))
        assert cancel_environment(asking, "shop", "staging", "", timeout=30) is None
    assert errors == []
    assert not ctx.cancelled.is_set()


def test_a_request_is_for_one_owner_of_the_lock(world: World) -> None:
    ctx = world.controller()
    first = ctx.ledger.acquire("shop/staging", "ada", "deploy", TTL)
    request_cancel(ctx, first, "why")
    found = cancellation(ctx, first)
    assert found is not None
    assert (found.actor, found.reason) == (ctx.actor, "why")
    ctx.ledger.free(first)
    assert cancellation(ctx, ctx.ledger.acquire("shop/staging", "ben", "deploy", TTL)) is None


def test_an_owner_that_does_not_answer_is_told_with_a_time_out(world: World) -> None:
    ctx = world.controller()
    lease = ctx.ledger.acquire("shop/staging", "ada", "deploy of release 2", TTL)
    with pytest.raises(TimedOut, match="the deploy of release 2 on staging, by ada has not stopped yet"):
        cancel_environment(ctx, "shop", "staging", "", timeout=0.05)
    assert cancellation(ctx, lease) is not None


def test_nothing_in_progress_and_the_background_clean_up_are_refused(world: World) -> None:
    ctx = world.controller()
    with pytest.raises(UsageError, match="nothing is in progress on staging"):
        cancel_environment(ctx, "shop", "staging", "", timeout=1)
    ctx.ledger.acquire("shop/staging", f"{CARETAKER} (process 1)", "standby", TTL)
    with pytest.raises(UsageError, match="nothing is in progress on staging"):
        cancel_environment(ctx, "shop", "staging", "", timeout=1)
    assert in_progress(ctx, "shop") == []


@pytest.mark.parametrize("at", range(1, 30, 4))
def test_a_dead_process_is_cleaned_up_after(tmp_path: Path, at: int) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    release = world.release(2)
    death = Death(at, after=True)
    with suppress(Killed):
        deploy(world.controller(dies=death), DeployRequest(release, STAGING))
    assert death.done
    world.now += TTL + 1
    pending = world.ledger.pending("shop", "staging")
    if pending:
        assert [(item.what, item.alive) for item in in_progress(world.controller(), "shop")] == [("staging", False)]
        done = cancel_environment(world.controller(), "shop", "staging", "", timeout=600)
        assert done is not None
        assert done.id == pending[0].id
        assert done.outcome in (FAILED, SUCCEEDED)
        assert world.serving() == {2 if done.outcome == SUCCEEDED else 1}
        if done.outcome == SUCCEEDED:
            with pytest.raises(UsageError, match="complete before it could be cancelled"):
                refuse_too_late(done)
    else:
        with pytest.raises(UsageError, match="nothing is in progress"):
            cancel_environment(world.controller(), "shop", "staging", "", timeout=600)
    assert not world.ledger.pending("shop", "staging")
    world.close()


def test_a_run_whose_process_died_is_cancelled(tmp_path: Path) -> None:
    world = Team(tmp_path)
    with suppress(Killed):
        world.run(dies=Death(9, after=True))
    assert world.runtime.containers
    world.now += TTL + 1
    assert [(item.what, item.alive) for item in in_progress(world.controller(), "shop")] == [("run 1", False)]
    assert cancel_run(world.controller(), "shop", 1, "", timeout=600) == CANCELLED
    world.nothing_is_left()
    with pytest.raises(UsageError, match="run 1 has ended: cancelled"):
        cancel_run(world.controller(), "shop", 1, "", timeout=600)
    with pytest.raises(UsageError, match="shop has no run 7"):
        cancel_run(world.controller(), "shop", 7, "", timeout=600)
    world.close()


class Waiting(Team):
    """A team whose clock is the machine's."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.waits = True


def test_a_run_in_progress_stops_and_is_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "LOOK", 0.01)
    monkeypatch.setattr(cancelling, "POLL", 0.01)
    monkeypatch.setattr("shipway.steps.container.POLL", 0.01)
    world = Waiting(tmp_path)
    world.runtime.behave("*_lint_????????", Behaviour(("lint 0",)))
    with other_process(world.run) as errors:
        wait(lambda: world.started()["lint"])
        assert cancel_run(world.controller(), "shop", 1, "the wrong branch", timeout=30) == CANCELLED
    assert len(errors) == 1
    assert any("the wrong branch" in note for note in world.notes)
    assert world.outcomes() == [CANCELLED]
    assert [step.outcome for step in world.ledger.steps(1)] == [CANCELLED]
    assert world.runtime.containers == {}
    world.close()


def test_what_is_in_progress_is_listed(world: World) -> None:
    ctx: Context = world.controller()
    number = ctx.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "refs/heads/main", "ada"), ctx.ledger.now())
    ctx.ledger.acquire(f"shop/run/{number}", "ada", "pipeline", TTL)
    ctx.ledger.acquire("shop/staging", "ben", "deploy of release 2", TTL)
    assert [(item.what, item.reason, item.who, item.alive) for item in in_progress(ctx, "shop")] == [
        (f"run {number}", "pipeline of aaaaaaaaaaaa", "ada", True),
        ("staging", "deploy of release 2", "ben", True),
    ]
