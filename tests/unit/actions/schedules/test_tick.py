"""Jobs on a schedule: once for each time, with their output, and when a person asks for it."""

from __future__ import annotations

import pytest

from shipway.actions.schedules.overview import overview
from shipway.actions.schedules.run_now import run_now
from shipway.actions.schedules.tick import tick
from shipway.actions.upkeep.destroy import destroy
from shipway.domain.errors import Interrupted, NotRunnable, UsageError
from shipway.domain.release import CANCELLED, FAILED, PENDING, RESTORE, SKIPPED, SUCCEEDED, Deployment
from shipway.domain.scheduled_run import LOST, TIMED_OUT
from shipway.domain.tasks import ALLOW, QUEUE
from tests.unit.actions.schedules.clock import NOON, STEP, Make, clock, place

__all__ = ["clock"]


def test_it_runs_at_its_times_in_the_live_release(clock: Make) -> None:
    at = clock(secrets=("KEY",))
    at.behave("hello")
    assert at.tick(NOON - 60) == []
    assert at.runs == []
    at.tick(NOON + 1)
    assert at.world.notes == ["shop/staging digest of 08:00 UTC: started on local, in the image of release 1"]
    spec = at.world.runtime.containers[at.containers[0]].spec
    assert (spec.entrypoint, spec.command, spec.restart) == (("sh", "-c"), ("send digest",), False)
    assert spec.image == at.release.images["backend"]
    assert (spec.env["KEY"], spec.env["SHIPWAY_RELEASE"]) == ("secret-key", "1")
    assert "DATABASE_URL" in spec.env
    assert set(spec.networks) == {"shipway_shop_staging", "shipway_shop_staging_rotation"}
    assert at.tick(NOON + 61) == []
    [run] = at.runs
    assert (run.due, run.outcome, run.exit_code, run.log, run.missed) == (NOON, SUCCEEDED, 0, "hello", 0)
    assert run.began is not None
    assert run.finished is not None
    assert run.began <= run.finished
    assert at.containers == []
    at.tick(NOON + 120)
    assert len(at.runs) == 1
    at.deploy(2)
    at.tick(NOON + STEP)
    assert at.runs[1].release == 2


def test_a_tick_without_work_takes_no_lock_and_says_nothing(clock: Make) -> None:
    at = clock()
    at.tick(NOON - 60)
    assert at.world.notes == []
    assert at.world.ledger.lease("shop/staging/schedules") is None


def test_missed_runs_are_named_and_made_up_for_by_one(clock: Make) -> None:
    at = clock()
    at.behave()
    at.tick(NOON + 3 * STEP + 5)
    [run] = at.runs
    assert (run.due, run.missed, run.missed_since) == (NOON + 3 * STEP, 3, NOON)
    assert "3 earlier runs missed since 08:00 UTC; this run is the only one for all of them" in "\n".join(
        at.world.notes
    )
    assert len(at.started()) == 1


def test_nothing_is_missed_before_a_schedule_was_deployed_or_while_it_was_another(clock: Make) -> None:
    at = clock()
    at.to(NOON + 5 * STEP + 1)
    at.deploy(2, place(at="*/20 * * * *"))
    at.tick(NOON + 6 * STEP - 60)
    assert at.runs == []
    at.tick(NOON + 6 * STEP + 1)
    assert [(run.due, run.missed) for run in at.runs] == [(NOON + 6 * STEP, 0)]


def test_a_deployment_in_between_makes_nothing_missed_unseen(clock: Make) -> None:
    at = clock()
    at.behave()
    at.to(NOON + 5)
    at.deploy(2)
    at.tick(NOON + 30)
    assert [(run.due, run.release) for run in at.runs] == [(NOON, 2)]


@pytest.mark.parametrize("overlap", ["skip", QUEUE, ALLOW])
def test_a_run_that_is_due_while_another_is_running(clock: Make, overlap: str) -> None:
    at = clock(overlap=overlap, timeout=86400.0)
    at.behave(code=None)
    at.tick(NOON)
    at.tick(NOON + STEP)
    at.tick(NOON + 2 * STEP)
    if overlap == "skip":
        assert at.outcomes == [PENDING, SKIPPED, SKIPPED]
        assert at.runs[1].detail == "the run of 08:00 UTC was still running"
    elif overlap == QUEUE:
        assert at.outcomes == [PENDING]
    else:
        assert at.outcomes == [PENDING] * 3
        assert len(at.containers) == 3
    at.end()
    at.tick(NOON + 2 * STEP + 60)
    if overlap == "skip":
        assert at.outcomes == [SUCCEEDED, SKIPPED, SKIPPED]
    elif overlap == QUEUE:
        assert at.outcomes == [SUCCEEDED, PENDING]
        assert (at.runs[1].due, at.runs[1].missed) == (NOON + 2 * STEP, 1)
    else:
        assert at.outcomes == [SUCCEEDED] * 3


def test_a_failed_run_is_retried_and_reported_with_its_output(clock: Make) -> None:
    at = clock(retries=1)
    at.behave("no such table", code=3)
    at.tick(NOON)
    assert at.tick(NOON + 60) == []
    assert "digest of 08:00 UTC: failed after" in at.world.notes[1]
    assert "exited with 3; attempt 2 follows" in at.world.notes[1]
    assert "digest │ no such table" in at.world.notes
    [failed] = at.tick(NOON + 120)
    assert [(run.attempt, run.outcome, run.exit_code) for run in at.runs] == [(0, FAILED, 3), (1, FAILED, 3)]
    assert failed.id == at.runs[1].id
    at.tick(NOON + 180)
    assert len(at.runs) == 2
    assert at.containers == []


def test_a_run_that_takes_too_long_is_stopped(clock: Make) -> None:
    at = clock()
    at.behave("working", code=None)
    at.tick(NOON)
    at.tick(NOON + 290)
    assert at.outcomes == [PENDING]
    [run] = at.tick(NOON + 310)
    assert (run.outcome, run.detail, run.log) == (TIMED_OUT, "timed out after 5 min", "working")
    assert at.containers == []


def test_a_command_that_cannot_be_executed_fails_at_once(clock: Make) -> None:
    at = clock()
    at.world.runtime.fail("start", error=NotRunnable("sh: not found"))
    [run] = at.tick(NOON)
    assert (run.outcome, run.exit_code, run.detail) == (FAILED, 127, "sh: not found")
    assert at.containers == []


def test_a_container_that_vanished_is_lost_and_retried(clock: Make) -> None:
    at = clock(retries=1)
    at.behave(code=None)
    at.tick(NOON)
    at.world.runtime.remove(at.containers[0])
    at.tick(NOON + 60)
    assert at.outcomes == [LOST, PENDING]
    assert "missing on local: whether it completed is unknown" in at.runs[0].detail


def test_output_is_recorded_without_secrets(clock: Make) -> None:
    at = clock()
    at.behave(*(f"line {number}" for number in range(100)), "my key is secret-key")
    at.tick(NOON)
    at.tick(NOON + 60)
    lines = at.runs[0].log.splitlines()
    assert (len(lines), lines[0]) == (50, "line 51")
    assert "secret-key" not in at.runs[0].log


def test_older_values_of_a_secret_are_masked_too(clock: Make) -> None:
    """The live release keeps the value that it was deployed with."""
    at = clock()
    at.behave("my key is secret-key")
    at.tick(NOON)
    at.world.secrets(at.world.ledger).set("shop/staging", "KEY", "another-key")
    at.tick(NOON + 60)
    assert at.runs[0].log == "my key is «KEY»"


def test_no_job_starts_while_the_database_is_restored(clock: Make) -> None:
    at = clock()
    at.world.ledger.begin_deployment(Deployment(0, "shop", "staging", 1, RESTORE, "ada", "", NOON - 5))
    at.tick(NOON)
    assert at.runs == []
    assert at.world.notes == ["shop/staging: no job starts before the restore has ended"]
    with pytest.raises(UsageError, match="no job starts before the restore of staging has ended"):
        run_now(at.world.controller(), "shop", "staging", "digest")


def test_jobs_of_a_destroyed_environment_end(clock: Make) -> None:
    at = clock()
    at.behave(code=None)
    at.tick(NOON)
    destroy(at.world.controller(), at.release.plan, at.environment)
    assert at.containers == []
    at.tick(NOON + 60)
    assert at.outcomes == [LOST]
    at.tick(NOON + STEP)
    assert len(at.runs) == 1


# a person


def test_a_person_runs_one_now_and_sees_its_output(clock: Make) -> None:
    at = clock()
    at.behave("hello")
    run = run_now(at.world.controller(), "shop", "staging", "digest", "for the auditors")
    assert (run.outcome, run.reason, run.log) == (SUCCEEDED, "for the auditors", "hello")
    assert "digest │ hello" in at.world.notes
    assert at.containers == []
    at.tick(NOON)
    assert [item.due for item in at.runs][1:] == [NOON], "it takes the place of none"


def test_a_run_by_a_person_is_not_retried_and_does_not_overlap(clock: Make) -> None:
    at = clock(retries=3)
    at.behave(code=1)
    assert run_now(at.world.controller(), "shop", "staging", "digest").outcome == FAILED
    assert len(at.runs) == 1
    at.behave(code=None)
    at.tick(NOON)
    with pytest.raises(UsageError, match="digest is running since"):
        run_now(at.world.controller(), "shop", "staging", "digest")


def test_an_interrupt_stops_the_run(clock: Make) -> None:
    at = clock()
    at.behave(code=None)
    ctx = at.world.controller()
    ctx.cancelled.set()
    with pytest.raises(Interrupted):
        run_now(ctx, "shop", "staging", "digest")
    assert (at.outcomes, at.containers) == ([CANCELLED], [])


def test_unknown_names_are_answered_with_the_known_ones(clock: Make) -> None:
    at = clock()
    with pytest.raises(UsageError) as caught:
        run_now(at.world.controller(), "shop", "staging", "report")
    assert caught.value.hint == "it has: digest"
    with pytest.raises(UsageError, match="nothing is deployed to production"):
        overview(at.world.controller(), "shop", "production")


def test_the_overview_has_next_last_and_overdue_times(clock: Make) -> None:
    at = clock()
    at.behave()
    at.to(NOON + 5)
    [before] = overview(at.world.controller(), "shop", "staging")
    assert (before.next, before.overdue, before.runs) == (NOON + STEP, NOON, ())
    at.tick()
    at.tick(NOON + 60)
    [after] = overview(at.world.controller(), "shop", "staging")
    assert (after.next, after.overdue, after.runs[0].outcome) == (NOON + STEP, None, SUCCEEDED)


def test_a_wrong_name_in_a_crontab_is_an_error(clock: Make) -> None:
    at = clock()
    with pytest.raises(UsageError, match="the ledger has no app 'shpo'") as caught:
        tick(at.world.controller(), "shpo")
    assert caught.value.hint == "it has: shop"
    assert tick(at.world.controller(), "shop") == []
