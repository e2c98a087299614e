"""A run that failed is repeated as a new one: only what failed, and the first log stays."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.environment.locks import TTL
from shipway.actions.runs.retry import repeated, run_to_retry
from shipway.actions.runs.run import run
from shipway.actions.runs.scheduler import only_step
from shipway.context import Context
from shipway.domain.container import LABEL_KEY, LABEL_NAME, ContainerSpec
from shipway.domain.errors import Interrupted, StepFailed, UsageError
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, Trigger
from shipway.drivers.runtime.commands import COMMANDS
from shipway.steps.command import HOLD
from shipway.testing.faults import Death, Killed
from shipway.testing.memory import Behaviour
from tests.unit.actions.runs.test_resume import COMMIT, LINES, PLAN, Repository, Team, unreachable


@pytest.fixture
def world(tmp_path: Path) -> Team:
    """`use` fails, after the steps that it needs have passed."""
    made = Team(tmp_path)
    made.runtime.behave("*_use_????????", Behaviour(("it failed",), exit_code=3))
    with pytest.raises(StepFailed):
        made.run()
    return made


def test_only_what_failed_is_repeated_and_the_first_log_stays(world: Team) -> None:
    ctx = world.controller()
    failed = run_to_retry(ctx, "shop", None)
    assert (failed.number, failed.outcome, failed.trigger.ref) == (1, FAILED, "refs/heads/topic")
    told = repeated(ctx, failed)
    assert "repeating run 1 of aaaaaaaaaaaa: use and what needs it; lint, unit passed" in told
    before, log = world.started(), world.log("use")
    world.runtime.behave("*_use_????????", Behaviour(tuple(LINES["use"]), exit_code=0))
    world.run()
    assert world.outcomes() == [SUCCEEDED, FAILED]
    assert world.started() - before == {"use": 1}
    assert world.log("use") == log
    assert world.log("use", 2) == LINES["use"]


def test_what_can_not_be_repeated_is_told(world: Team) -> None:
    ctx = world.controller()
    with pytest.raises(UsageError, match="shop has no run 9"):
        run_to_retry(ctx, "shop", 9)
    with pytest.raises(UsageError, match="blog has no run yet"):
        run_to_retry(ctx, "blog", None)
    world.runtime.behave("*_use_????????", Behaviour((), exit_code=0))
    world.run()
    with pytest.raises(UsageError, match="run 2 succeeded: there is nothing to repeat"):
        run_to_retry(ctx, "shop", None)
    assert run_to_retry(ctx, "shop", 1).number == 1


def test_an_unfinished_run_is_not_repeated(tmp_path: Path) -> None:
    world = Team(tmp_path)
    with pytest.raises(Killed):
        world.run(dies=Death(9, after=True))
    world.now += TTL + 1
    with pytest.raises(UsageError, match="its process died") as caught:
        run_to_retry(world.controller(), "shop", None)
    assert caught.value.hint == "`shipway run aaaaaaaaaaaa` resumes it"
    world.ledger.acquire("shop/run/1", "ada", "pipeline", TTL)
    with pytest.raises(UsageError, match="run 1 is in progress"):
        run_to_retry(world.controller(), "shop", None)


class Watched:
    """A runtime of a controller that gets Ctrl-C while a step runs; keeps what the step's container was made from."""

    def __init__(self, world: Team, ctx: Context, step: str) -> None:
        self._world, self._ctx, self._step, self.found = world, ctx, step, list[ContainerSpec]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx.runtime, name)

    def wait(self, container: str, timeout: float) -> int:
        specs = [item.spec for item in self._world.runtime.containers.values()]
        self.found += [spec for spec in specs if spec.labels[LABEL_NAME] == self._step]
        if self.found:
            self._ctx.cancelled.set()
        return self._ctx.runtime.wait(container, timeout)


def test_a_step_that_is_debugged_stays_and_is_not_resumed(tmp_path: Path) -> None:
    world = Team(tmp_path)
    world.runtime.behave("*_unit_????????", Behaviour(("exited with 3",)))
    ctx = dataclasses.replace(world.controller(), parallel=1)
    watched = Watched(world, ctx, "unit")
    machine = dataclasses.replace(ctx.machine, runtime=watched)  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        run(
            dataclasses.replace(ctx, machine=machine), Repository(), COMMIT, PLAN, Trigger("manual", "x", "ada"),  # type: ignore[arg-type]
            rules=unreachable, wait=0, only="unit", debug=True,
        )  # fmt: skip
    (spec,) = watched.found
    assert spec.command == (HOLD, "sh", "unit", COMMANDS.shell)
    assert spec.labels[LABEL_KEY].endswith(" debug")
    assert world.outcomes() == [CANCELLED]
    assert [step.name for step in world.ledger.steps(1)] == ["lint", "unit"]
    world.nothing_is_left()


def test_one_step_with_those_that_it_needs() -> None:
    assert list(only_step(PLAN, "unit")) == ["lint", "unit"]
    assert list(only_step(PLAN, "lint")) == ["lint"]
    with pytest.raises(UsageError, match="no step 'nope'") as caught:
        only_step(PLAN, "nope")
    assert caught.value.hint == "it has: lint, unit, use"


def test_the_checks_of_a_pull_request_are_not_repeated_as_a_run_of_the_team(world: Team) -> None:
    ctx = world.controller()
    number = ctx.ledger.begin_run("shop", "b" * 40, "tree", Trigger("pull", "refs/pull/7/head", "ada"), 1.0)
    ctx.ledger.end_run(number, FAILED, 2.0)
    for given in (number, None):
        with pytest.raises(UsageError, match="another repository") as caught:
            run_to_retry(ctx, "shop", given)
        assert f"shipway run {'b' * 40} --pull-request 7" in caught.value.hint
    assert run_to_retry(ctx, "shop", 1).number == 1
