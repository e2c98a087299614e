"""The target of a rollback without a revision."""

from __future__ import annotations

import pytest

from shipway.domain import history
from shipway.domain.release import FAILED
from tests.unit.domain.samples import deployment


@pytest.mark.parametrize(
    ("deployments", "target"),
    [
        ([], None),
        ([(1, 1)], None),
        ([(2, 3), (1, 1)], 1),
        ([(3, 1), (2, 3), (1, 1)], None),  # a rollback to 1 was the last thing: nothing older is left
        ([(4, 4), (3, 1), (2, 3), (1, 1)], 1),  # not to 3, which somebody went back from
        ([(5, 3), (4, 2), (3, 3), (2, 2), (1, 1)], 2),
        ([(4, 2), (3, 3), (2, 2), (1, 1)], 1),
        ([(3, 3), (2, 2, FAILED), (1, 1)], 1),
        ([(3, 3, FAILED), (2, 2), (1, 1)], 1),
    ],
)
def test_where_a_bare_rollback_goes(deployments: list[tuple[int, ...]], target: int | None) -> None:
    found = history.rollback_target([deployment(*item) for item in deployments])
    assert (found.release if found else None) == target
