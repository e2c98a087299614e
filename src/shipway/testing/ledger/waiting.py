"""The conformance suite of deployments that wait, and of holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, SUPERSEDED
from shipway.domain.waiting import REFUSED, Hold, Waiting
from shipway.ports import Ledger, WaitingLedger
from shipway.testing.ledger.samples import RELEASE

HOLD = Hold("shop", "staging", True, 2, "ada@example.org", "it is slow", 5.0)


def waits(release: int = 1, environment: str = "production") -> Waiting:
    """A deployment of a tag that waits for an approval."""
    tag = f"refs/tags/v{release}"
    return Waiting("shop", environment, release, "a" * 40, tag, "ada@example.org", "", ("needs 1 approval",), 0.0)


def released(ledger: Ledger, count: int) -> None:
    """That many releases, from 1 on."""
    for _ in range(count):
        ledger.add_release(RELEASE)


def added_to(ledger: WaitingLedger, waiting: Waiting, over: int = 0) -> Waiting:
    """It, as it was added."""
    added = ledger.add_waiting(waiting, over)
    assert added is not None
    return added


class WaitingSuite:
    """One waits in an environment, ends once, and is in the history."""

    def test_one_waits_is_judged_and_ends_once(self, ledger: Ledger) -> None:
        released(ledger, 1)
        added = added_to(ledger, waits())
        assert ledger.waiting("shop", "production") == added
        assert (added.id > 0, added.at > 0, added.ended) == (True, True, None)
        ledger.judge_waiting(added.id, ["a freeze", "an approval"], 99.0, "1 approval")
        judged = ledger.waiting_of(added.id)
        assert judged is not None
        assert (judged.why, judged.until, judged.seen) == (("a freeze", "an approval"), 99.0, "1 approval")
        assert ledger.begin_waiting(added.id)
        begun = ledger.waiting_of(added.id)
        assert begun is not None
        assert begun.begun == 1
        assert ledger.end_waiting(added, REFUSED, "the tag was moved")
        assert not ledger.end_waiting(added, CANCELLED, "late")
        assert not ledger.begin_waiting(added.id)
        ended = ledger.waiting_of(added.id)
        assert ended is not None
        assert (ended.outcome, ended.note, ledger.waiting("shop", "production")) == (REFUSED, "the tag was moved", None)
        (recorded,) = ledger.deployments("shop", "production")
        assert (recorded.outcome, recorded.detail, recorded.reason) == (FAILED, "the tag was moved", "v1")
        assert recorded.finished is not None

    def test_one_that_was_deployed_is_recorded_by_its_deployment(self, ledger: Ledger) -> None:
        added = added_to(ledger, waits())
        assert ledger.end_waiting(added, SUCCEEDED, "", recorded=False)
        assert ledger.deployments("shop", "production") == []

    def test_a_newer_one_supersedes_it_and_the_same_one_does_not(self, ledger: Ledger) -> None:
        released(ledger, 2)
        first = added_to(ledger, waits(1))
        again = added_to(ledger, dataclasses.replace(waits(1), why=("a freeze",)))
        assert (again.id, again.why) == (first.id, ("a freeze",))
        other = added_to(ledger, waits(1, "staging"))
        assert ledger.add_waiting(waits(2)) is None, "one waits already, which whoever adds this one has not seen"
        second = added_to(ledger, waits(2), first.id)
        assert ledger.all_waiting() == [other, second]
        (recorded,) = ledger.deployments("shop", "production")
        assert (recorded.release, recorded.outcome) == (1, SUPERSEDED)
        assert recorded.detail == "superseded by release 2, which waits now"

    def test_of_those_that_come_together_one_stays(self, ledger: Ledger) -> None:
        released(ledger, 8)
        with ThreadPoolExecutor(4) as pool:
            added = list(pool.map(lambda number: ledger.add_waiting(waits(number)), range(1, 9)))
        assert [item for item in added if item is not None] == ledger.all_waiting()
        assert len(ledger.all_waiting()) == 1

    def test_it_ends_once_by_any_process(self, ledger: Ledger, again: Callable[[], Ledger]) -> None:
        released(ledger, 1)
        added = added_to(ledger, waits())
        others = [ledger, again()] * 4
        with ThreadPoolExecutor(4) as pool:
            ended = list(pool.map(lambda own: own.end_waiting(added, CANCELLED, ""), others))
        assert sorted(ended) == [False] * 7 + [True]

    def test_holds(self, ledger: WaitingLedger) -> None:
        end = dataclasses.replace(HOLD, held=False, release=0, at=6.0)
        for hold in (HOLD, end, dataclasses.replace(HOLD, environment="production")):
            ledger.add_hold(hold)
        assert ledger.holds("shop", "staging") == [HOLD, end]
