"""Which run is due."""

from __future__ import annotations

from itertools import count

import pytest

from shipway.domain.scheduled_run import MOST, Due, newest_due


@pytest.mark.parametrize(
    ("last", "valid_since", "due"),
    [
        (40.0, 0.0, None),
        (30.0, 0.0, Due(40.0)),
        (10.0, 0.0, Due(40.0, 2, 20.0)),
        (0.0, 25.0, Due(40.0, 1, 30.0)),
        (0.0, 50.0, None),
    ],
    ids=["claimed", "due", "two missed", "missed since it was deployed", "deployed after it"],
)
def test_one_run_for_all_that_were_missed(last: float, valid_since: float, due: Due | None) -> None:
    assert newest_due(iter([40.0, 30.0, 20.0, 10.0]), last, lambda at: at >= valid_since) == due


def test_not_all_of_many_missed_ones_are_counted() -> None:
    found = newest_due((-1.0 * number for number in count()), -1e9, lambda at: True)
    assert found is not None
    assert found.missed == MOST
