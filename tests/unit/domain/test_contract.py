"""Which migrations wait for the next release."""

from __future__ import annotations

import pytest

from shipway.domain.contract import released

NAMES = {"0002": "0002_add_a", "0003": "0003_drop_b", "0004": "0004_add_c"}


@pytest.mark.parametrize(("pattern", "brought", "expected"), [
    (None, None, "0002 0003 0004"),  # nothing is asked
    ("*_drop_*", None, "0002"),  # what follows waits as well: no tool leaves one out
    ("*_drop_*", "0001", "0002"),
    ("*_drop_*", "0003", "0002 0003 0004"),  # held back by the release before: now it goes
    ("*_add_c", "0002", "0002 0003"),
    ("0003", None, "0002"),  # the revision itself
    ("*_none_*", None, "0002 0003 0004"),
    ("*_add_a", "0001", ""),
])  # fmt: skip
def test_released(pattern: str | None, brought: str | None, expected: str) -> None:
    assert released(sorted(NAMES), NAMES, pattern, brought) == tuple(expected.split())


def test_one_that_is_held_twice_goes_and_the_next_one_waits() -> None:
    pending = ("0003", "0004", "0005")
    names = {"0003": "0003_drop_b", "0004": "0004_add_c", "0005": "0005_drop_d"}
    assert released(pending, names, "*_drop_*", "0003") == ("0003", "0004")
