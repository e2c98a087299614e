"""Parallel work where every item counts."""

from __future__ import annotations

import pytest

from shipway.domain.errors import EngineError, StoreError
from shipway.system.parallel import attempt_side_by_side


def test_every_item_is_processed_and_every_error_is_told() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        done.append(item)
        if item in (0, 40):
            raise EngineError(f"{item} is silent")
        if item == 70:
            raise StoreError("70 is full")

    with pytest.raises(EngineError, match=r"^0 is silent; and 40 is silent; and 70 is full$"):
        attempt_side_by_side(work, range(100))  # more than are processed at a time
    assert sorted(done) == list(range(100))
    attempt_side_by_side(done.append, [])
    attempt_side_by_side(done.append, [100])
    assert done[-1] == 100
