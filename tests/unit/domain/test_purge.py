"""When a purge is attempted again."""

from __future__ import annotations

from dataclasses import replace

from shipway.domain.purge import GIVE_UP, ROUNDS, Purge, failed, stale
from shipway.domain.release import FAILED

PURGE = Purge(1, "shop", "staging", 7, 2, 1, 2, "ada", "deploy", 1000.0)


def test_each_attempt_waits_longer() -> None:
    purge, waits = PURGE, []
    for _ in range(9):
        purge = failed(purge, 2000.0, "broken")
        waits.append(purge.due - 2000.0)
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    assert (purge.attempts, purge.detail, purge.pending) == (9, "broken", True)


def test_the_provider_may_demand_more() -> None:
    assert failed(PURGE, 2000.0, "slow down", 300.0).due == 2300.0
    assert failed(PURGE, 2000.0, "slow down", 3.0).due == 2030.0


def test_it_is_given_up_after_a_day() -> None:
    now = 1000.0 + GIVE_UP - 29.0
    over = failed(PURGE, now, "broken")
    assert (over.outcome, over.finished, over.detail) == (FAILED, now, "broken")
    assert failed(PURGE, now - 2.0, "broken").pending


def test_old_copies_are_purged_a_few_times() -> None:
    assert stale(replace(PURGE, rounds=1), 2000.0, "old", 120.0).due == 2120.0
    assert stale(replace(PURGE, rounds=ROUNDS), 2000.0, "old", 0.0).outcome == FAILED
