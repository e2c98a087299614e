"""Times of a crontab's fields: what happens when the clocks change is Debian's cron's rule."""

from __future__ import annotations

from datetime import datetime
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from shipway.system.cron import require_valid, times_after, times_before, zone

BERLIN = "Europe/Berlin"


def at(*parts: int, fold: int = 0) -> float:
    return datetime(*parts, tzinfo=ZoneInfo(BERLIN), fold=fold).timestamp()  # type: ignore[arg-type, misc]


def shown(times: list[float]) -> list[str]:
    return [datetime.fromtimestamp(time, ZoneInfo(BERLIN)).strftime("%d %H:%M %Z") for time in times]


@pytest.mark.parametrize(
    ("expression", "since", "expected"),
    [
        ("0 6 * * 1", at(2026, 11, 30, 6, 0), ["07 06:00 CET", "14 06:00 CET"]),
        ("30 2 * * *", at(2026, 3, 28, 12, 0), ["29 03:00 CEST", "30 02:30 CEST"]),
        ("0 2,3 * * *", at(2026, 3, 28, 12, 0), ["29 03:00 CEST", "30 02:00 CEST"]),
        ("30 2 * * *", at(2026, 10, 24, 12, 0), ["25 02:30 CEST", "26 02:30 CET"]),
        ("30 2 * * *", at(2026, 10, 25, 2, 15, fold=1), ["26 02:30 CET", "27 02:30 CET"]),
        ("0 * * * *", at(2026, 10, 25, 1, 0), ["25 02:00 CEST", "25 02:00 CET", "25 03:00 CET"]),
        ("0 * * * *", at(2026, 3, 29, 0, 30), ["29 01:00 CET", "29 03:00 CEST"]),
    ],
    ids=[
        "weekly", "skipped hour", "skipped and next hour", "repeated hour", "within the repeated hour", "hourly back",
        "hourly forth",
    ],
)  # fmt: skip
def test_the_clocks_change(expression: str, since: float, expected: list[str]) -> None:
    assert shown(list(islice(times_after(expression, BERLIN, since), len(expected)))) == expected


@pytest.mark.parametrize("name", [BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("expression", ["30 2 * * *", "15,45 1,2 * * *", "5 */2 * * *", "*/20 * * * *"])
def test_both_directions_find_the_same_times(expression: str, name: str) -> None:
    for month, day in ((3, 8), (3, 29), (4, 5), (10, 4), (10, 25), (11, 1)):
        first = datetime(2026, month, day, tzinfo=ZoneInfo(name)).timestamp() - 86400
        last = first + 3 * 86400
        forth = list(takewhile(lambda time, last=last: time <= last, times_after(expression, name, first)))  # type: ignore[misc]
        back = list(takewhile(lambda time, first=first: time > first, times_before(expression, name, last)))  # type: ignore[misc]
        assert forth == back[::-1]


def test_a_rare_time_is_found_far_back() -> None:
    found = times_before("0 0 29 2 *", "UTC", datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp())
    assert [datetime.fromtimestamp(time, ZoneInfo("UTC")).year for time in islice(found, 3)] == [2024, 2020, 2016]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("* * * *", "has 4 fields and not 5"),
        ("0 0 6 * * 1", "has 6 fields and not 5"),
        ("@daily", "has 1 field and not 5"),
        ("61 * * * *", "has an invalid field: minute"),
        ("0 0 30 2 *", "has an invalid field: day-of-month"),
        ("* * */20 * 1L", "never comes"),
    ],
)
def test_an_invalid_one_is_explained(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        require_valid(expression)


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(ValueError, match="`Europe/Berlim` is not a time zone"):
        zone("Europe/Berlim")
