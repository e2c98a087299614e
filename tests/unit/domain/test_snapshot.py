"""When snapshots are taken, which stay, and what going back to one loses."""

from __future__ import annotations

import pytest

from shipway.domain.plan import ALWAYS, NEVER, UNPROVEN, Snapshots
from shipway.domain.proof import COLUMN_ORDER, DATA_LOST, FAILS, RESTORED
from shipway.domain.snapshot import Snapshot, kept, lost, required
from tests.unit.domain.test_rollback_plan import proof


@pytest.mark.parametrize(("when", "verdict", "expected"), [
    (UNPROVEN, None, True), (UNPROVEN, RESTORED, False), (UNPROVEN, COLUMN_ORDER, False), (UNPROVEN, DATA_LOST, True),
    (UNPROVEN, FAILS, True), (ALWAYS, RESTORED, True), (NEVER, None, False), (NEVER, FAILS, False),
])  # fmt: skip
def test_before_migrations(when: str, verdict: str | None, expected: bool) -> None:
    made = proof(2, verdict) if verdict else None
    assert required(Snapshots(when), made, proof_required=True) == expected
    assert required(Snapshots(when), made, proof_required=False) == (when == ALWAYS)


def test_the_newest_stay() -> None:
    every = [
        Snapshot("shop", "staging", number, 1, "0001", 1.0, "ada", "", f"{number}.dump", 1, "") for number in (3, 2, 1)
    ]
    assert [item.number for item in kept(every, 2)] == [3, 2]


def test_what_would_be_lost() -> None:
    then, now = {"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 5, "new": 4}
    assert lost(then, now) == [
        "b: 5 rows now, 2 in the snapshot", "gone: missing now; 3 rows in the snapshot", "new: 4 rows now; not in the snapshot",
    ]  # fmt: skip
    assert lost(then, then) == []
