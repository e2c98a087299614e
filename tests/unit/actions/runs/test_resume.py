"""A run that dies at any effect: the next one of its commit finishes it, and starts no step's container twice."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.environment.locks import TTL
from shipway.actions.runs.resume import open_run
from shipway.actions.runs.run import run
from shipway.context import Context
from shipway.domain.errors import LeaseHeld, RepositoryError, StepFailed
from shipway.domain.plan import Plan, Step, StepImage
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, Commit, Trigger
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from shipway.testing.memory_files import pack
from tests.matrix import sample
from tests.unit.domain import samples
from tests.unit.world import World

IMAGE = StepImage("postgres:15")
STEPS = (
    Step("lint", "lint", IMAGE),
    Step("unit", "unit", IMAGE, needs=("lint",), accessories=("db",), outputs=("made",), reports=("junit.xml",)),
    Step("use", "use", IMAGE, needs=("unit",), retries=1),
)
PLAN = Plan("shop", {}, {"db": samples.PLAN.accessories["db"]}, pipeline={step.name: step for step in STEPS})
COMMIT = Commit("a" * 40, "tree", "ada@example.org", "a change")
LINES = {name: [f"{name} {number}" for number in range(3)] for name in PLAN.pipeline}
EFFECTS = 40  # more than a run has
POINTS = sample(every(EFFECTS), 1 / 3)

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


def unreachable() -> Any:
    """The rules in force can't be read: what deploys nothing is checked nevertheless."""
    raise RepositoryError("there is no network")


class Repository:
    """A commit with one file."""

    def archive(self, revision: str) -> Iterator[bytes]:
        return pack({"file": b"content"})

    def tree_hashes(self, revision: str, patterns: Sequence[str]) -> dict[str, str]:
        return {"file": f"100644 blob of {revision}"}

    def refuse_incomplete(self, revision: str) -> None:
        """Nothing is missing."""


class Team(World):
    """Its steps pass, and their containers exit as soon as they are started."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        files = {"/src/made": b"made", "/src/junit.xml": b'<testsuite tests="3"/>'}
        for name, lines in LINES.items():
            self.runtime.behave(f"*_{name}_????????", Behaviour(tuple(lines), exit_code=0, files=files))

    def run(self, *, dies: Death | None = None, commit: Commit = COMMIT, **changes: Any) -> None:
        ctx: Context = dataclasses.replace(self.controller(dies=dies), parallel=1, **changes)
        run(ctx, Repository(), commit, PLAN, Trigger("push", "refs/heads/topic", "ada"), rules=unreachable, wait=0)  # type: ignore[arg-type]

    def outcomes(self) -> list[str]:
        """Of all runs, newest first."""
        return [item.outcome for item in self.ledger.runs("shop", 9)]

    def log(self, step: str, number: int = 1) -> list[str]:
        lines = (self._folder / "logs" / "shop" / str(number) / f"{step}.log").read_text().splitlines()
        return [line for line in lines if not line.startswith("pulled")]

    def started(self) -> Counter[str]:
        """How often a container of each step was started."""
        calls = [call.split("_") for call in self.runtime.calls if call.startswith("start ")]
        return Counter(name for _, _, name, last in calls if last != "db")

    def nothing_is_left(self) -> None:
        for number in range(1, 4):
            assert not (self._folder / "runs" / str(number)).exists()
            lease = self.ledger.lease(f"shop/run/{number}")
            assert lease is None or lease.expires <= self.now
        assert self.runtime.containers == {}
        assert self.runtime.networks == {}


class Once(Death):
    """Kills a controller after the effect that makes this true."""

    def __init__(self, happened: Callable[[], bool]) -> None:
        super().__init__(0, after=True)
        self._happened = happened

    def around(self, work: Callable[[], object]) -> object:
        result = super().around(work)
        if self._happened():
            self.done = True
            raise Killed
        return result


@pytest.mark.parametrize("kinds", [("pull", "push"), ("push", "pull"), ("pull", "pull"), ("push", "manual")])
def test_the_checks_of_a_pull_request_are_not_resumed_as_a_run_of_the_team(
    tmp_path: Path, kinds: tuple[str, str]
) -> None:
    team = Team(tmp_path)
    ctx, (first, second) = team.controller(), kinds
    begun = ctx.ledger.begin_run("shop", COMMIT.revision, COMMIT.tree, Trigger(first, "refs/x", "ada"), team.now)
    team.now += TTL + 1
    with open_run(ctx, COMMIT, "shop", Trigger(second, "refs/y", "ada")) as (_, number, _):
        assert (number == begun) is ((first == "pull") is (second == "pull"))
    if number != begun:
        assert team.outcomes()[-1] == CANCELLED


@pytest.mark.every_point
def test_dead_at_any_effect(tmp_path: Path) -> None:
    died = 0
    for at, after in POINTS:
        world = Team(tmp_path / f"{at}-{after}")
        death = Death(at, after=after)
        with suppress(Killed):
            world.run(dies=death)
        died += death.done
        world.now += TTL + 1
        world.run()
        assert set(world.outcomes()) == {SUCCEEDED}, (at, after)
        if len(world.outcomes()) == 1:  # otherwise it had been settled already
            assert world.started() == {"lint": 1, "unit": 1, "use": 1}, (at, after)
        assert {name: world.log(name) for name in LINES} == LINES, (at, after)
        unit = {item.name: item for item in world.ledger.steps(1)}["unit"]
        assert unit.result.tests == "3 tests, 0 failed"
        world.nothing_is_left()
    assert 0.75 * len(POINTS) < died < len(POINTS)


@pytest.mark.every_point
def test_dead_at_any_effect_and_another_commit_is_next(tmp_path: Path) -> None:
    for at, after in POINTS:
        world = Team(tmp_path / f"{at}-{after}")
        with suppress(Killed):
            world.run(dies=Death(at, after=after))
        world.now += TTL + 1
        world.run(commit=dataclasses.replace(COMMIT, revision="b" * 40, tree="other"))
        newest, *dead = world.outcomes()
        assert newest == SUCCEEDED, (at, after)
        assert dead in ([], [CANCELLED], [SUCCEEDED]), (at, after)
        world.nothing_is_left()


@pytest.mark.every_point
def test_dead_at_any_effect_of_a_step_that_fails_twice(tmp_path: Path) -> None:
    for at, after in POINTS:
        world = Team(tmp_path / f"{at}-{after}")
        world.runtime.behave("*_use_????????", Behaviour(tuple(LINES["use"]), exit_code=3))
        for death in (Death(at, after=after), None):
            with pytest.raises((Killed, StepFailed)):
                world.run(dies=death)
            world.now += TTL + 1
        assert set(world.outcomes()) == {FAILED}, (at, after)
        if len(world.outcomes()) == 1:
            assert world.started() == {"lint": 1, "unit": 1, "use": 2}, (at, after)
        assert world.log("use") == [*LINES["use"], "`use` exited with 3; retrying (1 left)", *LINES["use"]], (
            at,
            after,
        )
        world.nothing_is_left()


class Pausing:
    """A runtime of a controller that sleeps while it waits for a step, and something else happens."""

    def __init__(self, runtime: Any, meanwhile: Any) -> None:
        self._runtime, self._meanwhile = runtime, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def wait(self, container: str, timeout: float) -> int:
        code: int = self._runtime.wait(container, timeout)
        self._meanwhile()
        return code


def test_who_was_paused_and_wakes_up_too_late_changes_nothing(tmp_path: Path) -> None:
    world = Team(tmp_path)
    world.runtime.ensure_network("shipway_run_shop_2", {})  # of a neighbour, for the addresses in memory

    def meanwhile() -> None:
        world.now += TTL + 1
        world.run()
        calls.extend(world.runtime.calls)

    calls: list[str] = []
    ctx = world.controller()
    paused = dataclasses.replace(ctx.machine, runtime=Pausing(ctx.runtime, meanwhile))
    with pytest.raises(LeaseHeld, match="lock of shop/run/1 was lost"):
        world.run(machine=paused)
    changes = [call for call in world.runtime.calls[len(calls) :] if not call.startswith(("list", "objects", "get"))]
    assert changes == []
    assert world.outcomes() == [SUCCEEDED]
    assert "run 1: process" in " ".join(world.notes)
    assert "has lost its lock; resuming it: lint has exited" in " ".join(world.notes)
    assert world.started() == {"lint": 1, "unit": 1, "use": 1}


def test_the_time_out_counts_from_the_start_of_the_container(tmp_path: Path) -> None:
    world = Team(tmp_path)
    world.runtime.behave("*_lint_????????", Behaviour(("lint 0",), exit_code=None))
    with pytest.raises(Killed):
        world.run(dies=Once(lambda: world.started()["lint"] == 1))
    assert world.runtime.list({})[0].running
    world.now += TTL + STEPS[0].timeout
    before = world.now
    with pytest.raises(StepFailed, match="step lint: it timed out after 1800 s"):
        world.run()
    assert world.now < before + 60
    assert world.started() == {"lint": 1}
    world.nothing_is_left()


def test_a_container_that_was_ended_from_outside_says_nothing_of_its_step(tmp_path: Path) -> None:
    world = Team(tmp_path)
    world.runtime.behave("*_lint_????????", Behaviour(("lint 0",), exit_code=137))
    with pytest.raises(Killed):
        world.run(dies=Once(lambda: world.started()["lint"] == 1))
    world.runtime.behave("*_lint_????????", Behaviour(tuple(LINES["lint"]), exit_code=0))
    world.now += TTL + 1
    world.run()
    assert "resuming it: lint is restarted" in " ".join(world.notes)
    assert world.log("lint") == LINES["lint"]
    world.nothing_is_left()


def test_a_step_whose_outputs_are_lost_is_run_again_and_so_is_what_needs_it(tmp_path: Path) -> None:
    world = Team(tmp_path)
    world.runtime.behave("*_use_????????", Behaviour(("use 0",), exit_code=None))
    with pytest.raises(Killed):
        world.run(dies=Once(lambda: world.started()["use"] == 1))
    assert world.started() == {"lint": 1, "unit": 1, "use": 1}
    for kept in (tmp_path / "artifacts").iterdir():
        kept.unlink()
    world.runtime.behave("*_use_????????", Behaviour(tuple(LINES["use"]), exit_code=0))
    world.now += TTL + 1
    world.run()
    assert world.started() == {"lint": 1, "unit": 2, "use": 2}
    assert world.log("use") == LINES["use"]
    world.nothing_is_left()
