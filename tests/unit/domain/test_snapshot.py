"""When snapshots are taken, which stay, and what going back to one loses."""

from __future__ import annotations

import pytest

from shipway.domain.plan import ALWAYS, NEVER, UNPROVEN, Snapshots
from shipway.domain.proof import COLUMN_ORDER, DATA_LOST, FAILS, RESTORED
from shipway.domain.snapshot import Snapshot, kept, lost, wanted
from tests.unit.domain.test_rollback_plan import proof


@pytest.mark.parametrize(("when", "verdict", "expected"), [
    (UNPROVEN, None, True), (UNPROVEN, RESTORED, False), (UNPROVEN, COLUMN_ORDER, False), (UNPROVEN, DATA_LOST, True),
    (UNPROVEN, FAILS, True), (ALWAYS, RESTORED, True), (NEVER, None, False), (NEVER, FAILS, False),
])  # fmt: skip
def test_before_migrations(when: str, verdict: str | None, expected: bool) -> None:
    made = proof(2, verdict) if verdict else None
    assert wanted(Snapshots(when), made, asked=True) == expected
    assert wanted(Snapshots(when), made, asked=False) == (when == ALWAYS)


def test_the_newest_stay() -> None:
    every = [
        Snapshot("shop", "staging", number, 1, "0001", 1.0, "ada", "", f"{number}.dump", 1, "") for number in (3, 2, 1)
    ]
    assert [item.number for item in kept(every, 2)] == [3, 2]


def test_what_would_be_lost() -> None:
    then, now = {"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 5, "new": 4}
    assert lost(then, now) == [
        "b: 5 rows now, 2 in the snapshot", "gone: comes back with 3 rows", "new: 4 rows now; the snapshot doesn't have it",
    ]  # fmt: skip
    assert lost(then, then) == []
