"""One-off tasks before and after the switch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import StepFailed
from shipway.domain.plan import Environment
from shipway.domain.release import FAILED, SUCCEEDED
from shipway.domain.tasks import Task
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.matrix import sample
from tests.unit.domain import samples
from tests.unit.world import World

PLACE = dataclasses.replace(
    samples.STAGING, before_switch=(Task("backend", "warm-up", ("KEY",)), Task("worker", "announce")),
    after_deploy=(Task("backend", "index"), Task("backend", "mail")),
)  # fmt: skip


class Jobs:
    """What ran, in order, as the engine saw it; a command of `failing` fails."""

    def __init__(self, world: World, *failing: str) -> None:
        self.ran: list[str] = []
        start = world.runtime.start

        def begin(container: str) -> None:
            found = world.runtime._get(container)
            assert found is not None
            command = found.spec.command[0] if found.spec.command and found.spec.entrypoint == ("sh", "-c") else ""
            if command in failing:
                found.behaviour = Behaviour(("it is broken",), exit_code=3)
            elif found.info.labels.get("shipway.role") == "service" and "start" not in self.ran:
                self.ran.append("start")
            self.ran += [command] if command else []
            start(container)

        world.runtime.start = begin  # type: ignore[method-assign]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def put(world: World, number: int, schema: str = "0001", environment: Environment = PLACE) -> None:
    deploy(world.controller(), DeployRequest(world.release(number, schema, environment), environment))


def test_they_run_around_the_switch_in_the_new_image(world: World) -> None:
    jobs = Jobs(world)
    put(world, 1)
    assert jobs.ran == ["warm-up", "announce", "start", "index", "mail"]
    jobs.ran.clear()
    put(world, 2)
    assert jobs.ran == ["warm-up", "announce", "start", "index", "mail"]


def test_the_changeset_shows_them(world: World) -> None:
    request = DeployRequest(world.release(1, environment=PLACE), PLACE)
    text = decide(world.controller(), request).changeset.render().splitlines()
    tasks = [line.split() for line in text if " task " in line]
    assert [words[3] for words in tasks] == ["warm-up", "announce", "index", "mail"]
    assert text.index(next(line for line in text if "warm-up" in line)) < text.index(
        next(line for line in text if " container " in line)
    )


def test_nothing_to_deploy_runs_no_task(world: World) -> None:
    put(world, 1)
    jobs = Jobs(world)
    release = world.ledger.release("shop", 1)
    assert release is not None
    assert deploy(world.controller(), DeployRequest(release, PLACE)) is None
    assert jobs.ran == []


def test_a_failing_one_before_the_switch_reverts_the_deployment(world: World) -> None:
    put(world, 1)
    Jobs(world, "announce")
    with pytest.raises(StepFailed, match="the task `announce` exited with 3\nit is broken"):
        put(world, 2, "0002")
    assert world.serving() == {1}
    assert world.database.applied == ["0001"]
    assert world.ledger.deployments("shop", "staging")[0].outcome == FAILED
    assert not [name for name in world.runtime.containers if "_2-" in name or "_job_" in name]


def test_a_failing_one_after_the_deployment_is_reported_and_the_release_serves(world: World) -> None:
    jobs = Jobs(world, "index")
    with pytest.raises(StepFailed, match="release 1 serves, but the task `index` exited with 3") as caught:
        put(world, 1)
    assert "deploy again" in caught.value.hint
    assert jobs.ran[-1] == "index", "those behind it don't run"
    assert world.serving() == {1}
    [done] = world.ledger.deployments("shop", "staging")
    assert done.outcome == SUCCEEDED
    assert "the task `index` exited with 3" in done.detail
    jobs.ran.clear()
    with exclusive_access(world.controller(), "shop", "staging", "next"):
        pass
    assert jobs.ran == []


def test_a_rollback_runs_none(world: World) -> None:
    put(world, 1)
    put(world, 2)
    jobs = Jobs(world)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {1}
    assert not set(jobs.ran) & {"warm-up", "announce", "index", "mail"}


@pytest.mark.every_point
def test_a_dead_controller_repeats_at_most_the_one_that_was_running(tmp_path: Path) -> None:
    def begun(folder: Path) -> tuple[World, Callable[[Death], object]]:
        world = World(folder)
        put(world, 1)
        release = world.release(2, environment=PLACE)
        return world, lambda death: deploy(world.controller(dies=death), DeployRequest(release, PLACE))

    counting = Death(0, after=False)
    begun(tmp_path / "none")[1](counting)
    points = sample(list(every(counting.effects)), 1 / 4)
    resumed = 0
    for number, (at, after) in enumerate(points):
        world, command = begun(tmp_path / str(number))
        jobs = Jobs(world)
        with suppress(Killed):
            command(Death(at, after=after))
        dead = [name for name in jobs.ran if name != "start"]
        world.now += 30
        jobs.ran.clear()
        with exclusive_access(world.controller(), "shop", "staging", "next"):
            pass
        again = [name for name in jobs.ran if name != "start"]
        where = f"{at} {after}: {dead} then {again}"
        assert world.serving() in ({1}, {2}), where
        deployments = world.ledger.deployments("shop", "staging")
        if deployments[0].release == 2 and deployments[0].outcome == SUCCEEDED:
            assert [*dict.fromkeys([*dead, *again])] == ["warm-up", "announce", "index", "mail"], where
            assert len(dead) + len(again) <= 5, where
            resumed += bool(again)
        else:
            assert again == [], where
        assert not [name for name in world.runtime.containers if "_job_" in name], where
        world.close()
    assert resumed
