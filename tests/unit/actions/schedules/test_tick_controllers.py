"""Controllers that die, several of them, and hosts that are away: each job runs once, and holds up no other."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.schedules.tick import tick
from shipway.domain.errors import EngineError, ShipwayError
from shipway.domain.plan import LOCAL, Host
from shipway.domain.release import FAILED, PENDING, SUCCEEDED
from shipway.domain.scheduled_run import LOST, TIMED_OUT
from shipway.domain.tasks import ALLOW
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.matrix import sample
from tests.unit.actions.schedules.clock import NOON, STEP, Clock, Make, clock, place

__all__ = ["clock"]


def test_an_unreachable_host_stops_no_other_environment(tmp_path: Path) -> None:
    far = dataclasses.replace(place(), hosts=(Host("ssh://far", "10.0.0.2"),))
    at = Clock(tmp_path / "world", far, hosts=(LOCAL, "ssh://far"))
    near = dataclasses.replace(place(), name="qa", url="http://qa.shop.localhost")
    at.world.secrets(at.world.ledger).set("shop/qa", "KEY", "other")
    at.deploy(2, near)
    at.world.engines["ssh://far"].away = True
    with pytest.raises(EngineError, match="can't be reached"):
        at.tick(NOON)
    assert [run.schedule for run in at.world.ledger.pending_scheduled("shop", "qa")] == ["digest"]
    assert at.runs == []
    at.world.engines["ssh://far"].away = False
    at.tick(NOON + 60)
    assert [run.due for run in at.runs] == [NOON]


def test_a_machine_that_does_not_have_the_environment_leaves_its_jobs_alone(clock: Make) -> None:
    at = clock()
    at.behave(code=None)
    at.tick(NOON)
    mine = at.world.runtime.containers
    at.world.runtime.containers = {}
    at.tick(NOON + STEP)
    assert at.outcomes == [PENDING]
    at.tick(NOON + STEP + 300)
    assert "has no container of staging" in at.world.notes[-1]
    at.world.runtime.containers = mine
    at.end()
    at.tick(NOON + STEP + 310)
    assert at.outcomes == [SUCCEEDED, PENDING]


def test_two_controllers_start_one_run(clock: Make) -> None:
    at = clock()
    at.behave(code=None)
    at.to(NOON)
    one, two = at.world.controller(), at.world.controller()
    tick(one)
    tick(two)
    assert len(at.started()) == len(at.runs) == 1


@pytest.mark.every_point
@pytest.mark.parametrize("retries", [0, 1])
def test_one_dies_anywhere_and_the_job_runs_once(tmp_path: Path, retries: int) -> None:
    def begun(folder: Path) -> Clock:
        at = Clock(folder, place(retries=retries), hosts=(LOCAL, "ssh://b"))
        at.behave(code=None)
        return at

    counting = Death(0, after=False)
    first = begun(tmp_path / "none")
    first.tick(NOON, dies=counting)
    first.end()
    first.tick(NOON + 60, dies=counting)
    assert counting.effects > 5
    for number, (point, after) in enumerate(sample(every(counting.effects), 2 / 3, retries)):
        at = begun(tmp_path / str(number))
        death = Death(point, after=after)
        with suppress(Killed):
            at.tick(NOON, dies=death)
        at.world.now += 30  # its locks have expired
        at.tick()
        at.end()
        if not death.done:
            with suppress(Killed):
                at.tick(NOON + 60, dies=death)
            at.world.now += 30
        at.tick()
        where = f"{point} {after}: {at.world.notes}"
        assert at.outcomes == [SUCCEEDED], where
        assert len(at.started()) == 1, where
        at.behave()
        at.tick(NOON + STEP)
        at.tick(NOON + STEP + 60)
        assert at.outcomes == [SUCCEEDED] * 2, where
        assert at.containers == [], f"{where}: what a dead controller left goes with the next run"
        at.world.close()


def test_what_a_dead_controller_claimed_is_named(clock: Make) -> None:
    at = clock()
    at.behave(code=None)
    at.world.runtime.fail("create", error=EngineError("gone"))
    with pytest.raises(ShipwayError):
        at.tick(NOON)
    at.tick(NOON + 60)
    assert any("claimed it, but did not start it" in note for note in at.world.notes)
    assert at.outcomes == [PENDING]
    assert len(at.containers) == 1


def test_a_clock_that_was_ahead_for_a_while_stops_nothing(clock: Make) -> None:
    at = clock(overlap=ALLOW)
    at.behave()
    at.tick(NOON + 1)
    at.tick(NOON + 1000 * STEP)
    at.tick(NOON + STEP + 1)  # set right again
    assert [run.due for run in at.runs] == [NOON, NOON + 1000 * STEP, NOON + STEP]
    at.tick(NOON + STEP + 60)
    assert len(at.runs) == 3


def test_a_job_that_began_by_a_clock_ahead_times_out_too(clock: Make) -> None:
    at = clock()
    at.behave(code=None)
    at.tick(NOON + 1000 * STEP)
    at.tick(NOON + 1000 * STEP - 10)
    assert at.outcomes[0] == PENDING, "a small correction ends nothing"
    [over] = at.tick(NOON + STEP - 1)
    assert (over.due, over.outcome) == (NOON + 1000 * STEP, TIMED_OUT)


def test_one_that_can_never_be_started_holds_up_no_other(clock: Make) -> None:
    at = clock()
    at.behave()
    real = at.world.runtime.create

    def create(spec: Any) -> str:
        if "_schedule_" in spec.name:
            raise EngineError("its image is gone")
        return real(spec)

    at.world.runtime.create = create  # type: ignore[method-assign]
    for minute in range(5):
        with pytest.raises(EngineError, match="its image is gone"):
            at.tick(NOON + 1 + 60 * minute)
        assert at.outcomes == [PENDING], "it may be a registry that answers again"
    [failed] = at.tick(NOON + 302)
    assert (failed.outcome, failed.detail) == (FAILED, "not started: its image is gone")
    at.world.runtime.create = real  # type: ignore[method-assign]
    at.tick(NOON + STEP + 1)
    at.tick(NOON + STEP + 60)
    assert at.outcomes == [FAILED, SUCCEEDED]


@pytest.mark.parametrize("started", [True, False])
def test_one_on_a_host_that_left_the_plan_holds_up_no_other(tmp_path: Path, started: bool) -> None:
    old = dataclasses.replace(place(), hosts=(Host("ssh://old"),))
    new = dataclasses.replace(place(), hosts=(Host("ssh://new"),))
    at = Clock(tmp_path / "world", old, hosts=(LOCAL, "ssh://old", "ssh://new"))
    if started:
        for name in ("ssh://old", "ssh://new"):
            at.world.engines[name].runtime.behave("*_schedule_*", Behaviour((), exit_code=None))
    else:
        at.world.engines["ssh://old"].runtime.fail("create", error=EngineError("busy"))
    with suppress(EngineError):
        at.tick(NOON + 1)
    assert at.outcomes == [PENDING]
    deploy(at.world.controller(), DeployRequest(at.world.release(2, environment=new), new, force=True))
    [lost] = at.tick(NOON + STEP + 1)
    assert (lost.outcome, lost.detail) == (LOST, "ssh://old is no host of staging anymore")
    assert [run.host for run in at.runs] == ["ssh://old", "ssh://new"]
    assert at.runs[1].began is not None
