"""The conformance suite of runs on a schedule."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.release import FAILED, SKIPPED, SUCCEEDED
from shipway.domain.scheduled_run import ScheduledRun
from shipway.ports import Ledger
from shipway.testing.ledger.samples import RELEASE

RUN = ScheduledRun(
    0, "shop", "staging", "digest", 60.0, 0, 1, "local", "ada@example.org", "", 61.5, missed=2, missed_since=30.0
)


class ScheduleSuite:
    """Runs are claimed once, and finalized once."""

    def test_a_due_time_is_claimed_once_whoever_is_first(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        ledger.add_release(RELEASE)
        ledgers = [again() for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            claimed = list(pool.map(lambda item: item.claim_scheduled(RUN), ledgers))
        number = next(id for id in claimed if id is not None)
        assert claimed.count(None) == 3
        assert ledger.pending_scheduled("shop", "staging") == [dataclasses.replace(RUN, id=number)]

    def test_other_attempts_times_and_schedules_are_claimed_for_themselves(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        others = (
            RUN,
            dataclasses.replace(RUN, attempt=1),
            dataclasses.replace(RUN, due=120.0),
            dataclasses.replace(RUN, schedule="report"),
            dataclasses.replace(RUN, environment="production"),
        )
        claimed = [ledger.claim_scheduled(other) for other in others]
        assert None not in claimed
        assert len(set(claimed)) == 5
        assert [item.id for item in ledger.scheduled_runs("shop", "staging", "digest")] == claimed[2::-1]
        assert [item.id for item in ledger.scheduled_runs("shop", "staging", "digest", 1)] == [claimed[2]]

    def test_a_run_is_finalized_once(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        number = ledger.claim_scheduled(RUN)
        assert number is not None
        ledger.begin_scheduled(number, 62.5)
        ended = dataclasses.replace(
            RUN, id=number, began=62.5, outcome=FAILED, finished=70.0, exit_code=3, detail="exited with 3", log="last\nlines"
        )  # fmt: skip
        assert ledger.end_scheduled(ended)
        again = dataclasses.replace(RUN, attempt=1)
        assert not ledger.end_scheduled(dataclasses.replace(ended, outcome=SUCCEEDED), again)
        assert ledger.pending_scheduled("shop", "staging") == []
        assert ledger.scheduled_runs("shop", "staging", "digest") == [ended]

    def test_the_next_attempt_is_claimed_with_the_outcome(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        number = ledger.claim_scheduled(RUN)
        assert number is not None
        failed = dataclasses.replace(RUN, id=number, outcome=FAILED, finished=70.0)
        assert ledger.end_scheduled(failed, dataclasses.replace(RUN, attempt=1))
        assert [item.attempt for item in ledger.pending_scheduled("shop", "staging")] == [1]

    def test_a_run_may_be_claimed_with_its_outcome(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        skipped = dataclasses.replace(RUN, outcome=SKIPPED, finished=61.5, detail="the run before it is running")
        number = ledger.claim_scheduled(skipped)
        assert number is not None
        assert ledger.pending_scheduled("shop", "staging") == []
        assert ledger.scheduled_runs("shop", "staging", "digest") == [dataclasses.replace(skipped, id=number)]

    def test_the_last_due_time_is_not_that_of_a_run_by_a_person(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        assert ledger.last_due("shop", "staging", "digest", 1000.0) is None
        ledger.claim_scheduled(RUN)
        ledger.claim_scheduled(dataclasses.replace(RUN, due=900.0, reason="asked for"))
        ledger.claim_scheduled(dataclasses.replace(RUN, due=50.0, attempt=1))
        assert ledger.last_due("shop", "staging", "digest", 1000.0) == 60.0

    def test_a_due_time_of_a_wrong_clock_is_not_the_last_one(self, ledger: Ledger) -> None:
        ledger.add_release(RELEASE)
        ledger.claim_scheduled(RUN)
        ledger.claim_scheduled(dataclasses.replace(RUN, due=9e9))
        assert ledger.last_due("shop", "staging", "digest", 100.0) == 60.0
        assert ledger.last_due("shop", "staging", "digest", 59.0) is None

    def test_a_run_of_an_unknown_release_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(StoreError):
            ledger.claim_scheduled(RUN)
