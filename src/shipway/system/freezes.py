"""When a freeze begins and ends, in its time zone. Where clocks change, it is the longer one of two readings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from shipway.domain.gating import Freeze
from shipway.system.cron import zone

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKLY = r"(?P<day>[A-Za-z]{3,9})\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})"
DATED = r"(?P<date>\d{4}-\d{2}-\d{2})(\s+(?P<hour>\d{1,2}):(?P<minute>\d{2}))?"
WEEK = timedelta(days=7)
MOST = 60  # freezes that follow each other without a pause


def require_moment(text: str) -> None:
    """ValueError if it is no time of a freeze."""
    _moment(text, is_end=False)


def require_valid(freeze: Freeze) -> None:
    """ValueError if it isn't one, or has no duration."""
    start, end = _moment(freeze.start, is_end=False), _moment(freeze.end, is_end=True)
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise ValueError("goes from a weekday to a date, or the reverse")
    if isinstance(start, datetime) and isinstance(end, datetime) and end <= start:
        raise ValueError("ends before it begins")
    if start == end:
        raise ValueError("begins and ends at the same time: it is empty, or never ends")


def frozen(freezes: Sequence[Freeze], now: float) -> tuple[Freeze, float] | None:
    """The freeze that holds at a time, and when deployments are possible again: after those that follow it without a pause.
    None: there is none. Times are in seconds since the epoch."""
    found = [(end, freeze) for freeze in freezes if (end := _end(freeze, now)) is not None]
    if not found:
        return None
    until, first = max(found, key=lambda item: item[0])
    for _ in range(MOST):
        later = max((end for freeze in freezes if (end := _end(freeze, until)) is not None), default=until)
        if later <= until:
            break
        until = later
    return first, until


def _end(freeze: Freeze, now: float) -> float | None:
    """When it ends, if it holds at that time."""
    start, end = _moment(freeze.start, is_end=False), _moment(freeze.end, is_end=True)
    if isinstance(start, datetime) and isinstance(end, datetime):
        spans = [(start, end)]
    elif isinstance(start, timedelta) and isinstance(end, timedelta):
        today = datetime.fromtimestamp(now, zone(freeze.zone)).date()
        monday = datetime.combine(today - timedelta(days=today.weekday()), time())
        lasts = (end - start) % WEEK
        spans = [(monday + WEEK * week + start, monday + WEEK * week + start + lasts) for week in (-1, 0, 1)]
    else:
        return None
    ends = [max(_times(last, freeze.zone)) for first, last in spans if min(_times(first, freeze.zone)) <= now]
    return max((item for item in ends if now < item), default=None)


def _times(local: datetime, name: str) -> list[float]:
    """Seconds since the epoch: two different ones where clocks change and a local time comes twice, or never."""
    return [local.replace(tzinfo=zone(name), fold=fold).timestamp() for fold in (0, 1)]


def _moment(text: str, *, is_end: bool) -> datetime | timedelta:
    """A date with a time; or the time since the beginning of the week. ValueError if it is neither."""
    if found := re.fullmatch(DATED, text.strip()):
        day = date.fromisoformat(found["date"])
        if found["hour"] is None:
            return datetime.combine(day + timedelta(days=is_end), time())
        return datetime.combine(day, _clock(found))
    if found := re.fullmatch(WEEKLY, text.strip()):
        name = found["day"].lower()
        numbers = [number for number, full in enumerate(DAYS) if name in (full, full[:3])]
        if not numbers:
            raise ValueError(f"`{found['day']}` is no weekday")
        clock = _clock(found)
        return timedelta(days=numbers[0], hours=clock.hour, minutes=clock.minute)
    raise ValueError(f"`{text[:40]}` is no weekday with a time, and no date")


def _clock(found: re.Match[str]) -> time:
    return time(int(found["hour"]), int(found["minute"]))
