"""Freezes: weekly and by date, where clocks change, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from shipway.domain.gating import Freeze
from shipway.system.freezes import frozen, require_moment, require_valid

BERLIN = "Europe/Berlin"
WEEKEND = Freeze("Fri 16:00", "Mon 08:00", BERLIN)


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def until(freeze: Freeze, text: str, *others: Freeze) -> str:
    """When it ends, in its zone; empty: it doesn't hold then."""
    found = frozen([freeze, *others], at(text, freeze.zone))
    return f"{datetime.fromtimestamp(found[1], ZoneInfo(freeze.zone)):%a %m-%d %H:%M}" if found else ""


@pytest.mark.parametrize(("now", "ends"), [
    ("2026-11-27 15:59:59", ""), ("2026-11-27 16:00", "Mon 11-30 08:00"), ("2026-11-29 03:00", "Mon 11-30 08:00"),
    ("2026-11-30 07:59:59", "Mon 11-30 08:00"), ("2026-11-30 08:00", ""), ("2026-12-02 12:00", ""),
    # Clocks are changed within it: on 2026-03-29 and on 2026-10-25.
    ("2026-03-29 03:30", "Mon 03-30 08:00"), ("2026-10-25 02:30", "Mon 10-26 08:00"),
])  # fmt: skip
def test_a_weekly_one(now: str, ends: str) -> None:
    assert until(WEEKEND, now) == ends


def test_one_within_a_day_of_the_week() -> None:
    lunch = Freeze("wed 12:00", "Wednesday 13:00")
    assert until(lunch, "2026-12-02 12:30") == "Wed 12-02 13:00"
    assert until(lunch, "2026-12-02 13:00") == ""
    assert until(lunch, "2026-12-03 12:30") == ""


def test_dates_include_the_last_day() -> None:
    holidays = Freeze("2026-12-20", "2027-01-02", BERLIN)
    assert until(holidays, "2026-12-19 23:59") == ""
    assert until(holidays, "2026-12-20 00:00") == "Sun 01-03 00:00"
    assert until(holidays, "2027-01-02 23:59") == "Sun 01-03 00:00"
    assert until(holidays, "2027-01-03 00:00") == ""
    assert until(Freeze("2026-12-20 18:00", "2026-12-21 06:00"), "2026-12-21 05:59") == "Mon 12-21 06:00"


def test_where_an_hour_is_missing_or_comes_twice_it_is_the_longer_reading() -> None:
    begins_in_the_gap = Freeze("2026-03-29 02:30", "2026-03-30", BERLIN)
    gap = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 02:00 becomes 03:00
    assert frozen([begins_in_the_gap], (gap - timedelta(minutes=30)).timestamp()) is not None
    assert frozen([begins_in_the_gap], (gap - timedelta(minutes=31)).timestamp()) is None
    ends_in_the_second = Freeze("2026-10-24", "2026-10-25 02:30", BERLIN)
    twice = datetime(2026, 10, 25, 1, tzinfo=UTC)  # 03:00 becomes 02:00
    assert frozen([ends_in_the_second], (twice + timedelta(minutes=29)).timestamp()) is not None
    assert frozen([ends_in_the_second], (twice + timedelta(minutes=30)).timestamp()) is None


def test_those_that_follow_without_a_pause_are_one() -> None:
    holidays = Freeze("2026-12-26 12:00", "2026-12-29", BERLIN)  # from a Saturday on
    assert until(WEEKEND, "2026-12-25 20:00", holidays) == "Wed 12-30 00:00"
    always = [Freeze("Mon 00:00", "Fri 00:00"), Freeze("Fri 00:00", "Mon 00:00")]
    found = frozen(always, at("2026-12-02 12:00"))
    assert found is not None
    assert found[1] > at("2027-03-01 00:00"), "it never ends, and the search does"


@given(now=some.floats(min_value=0, max_value=4e9), start=some.integers(0, 10079), lasts=some.integers(1, 10079))
def test_a_weekly_one_is_as_a_count_of_minutes_says(now: float, start: int, lasts: int) -> None:
    names = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

    def text(minute: int) -> str:
        day, rest = divmod(minute % 10080, 1440)
        return f"{names[day]} {rest // 60:02}:{rest % 60:02}"

    since_monday = (now - 4 * 86400) % (7 * 86400)  # 1970-01-05 was a Monday
    holds = (since_monday - start * 60) % (7 * 86400) < lasts * 60
    found = frozen([Freeze(text(start), text(start + lasts))], now)
    assert (found is not None) == holds
    assert found is None or now < found[1] <= now + lasts * 60


@pytest.mark.parametrize(("start", "end", "why"), [
    ("Fri 16:00", "Fri 16:00", "empty"), ("Fri 16:00", "2026-12-20", "from a weekday to a date"),
    ("2026-12-20", "2026-12-19", "ends before it begins"), ("2026-12-20 08:00", "2026-12-20 08:00", "ends before it begins"),
])  # fmt: skip
def test_what_has_no_duration(start: str, end: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        require_valid(Freeze(start, end))
    assert frozen([Freeze(start, end)], at("2026-12-20 08:00")) is None or why == "empty"


@pytest.mark.parametrize(
    "text",
    ["", "Fri", "16:00", "Fry 16:00", "Fri 25:00", "Fri 16:60", "2026-13-01", "2026-02-30", "٢٠٢٦-١٢-٢٠", "tomorrow"],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        require_moment(text)
