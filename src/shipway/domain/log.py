"""Lines that containers wrote, with their times."""

from __future__ import annotations

from datetime import UTC, datetime

# (time, line). The time is RFC 3339 in UTC with nanoseconds, such as 2024-01-31T10:00:00.123456789Z: times compare as
# texts.
LogLine = tuple[str, str]


def stamp(seconds: float) -> str:
    """The time of a line, from seconds since the epoch."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06}000Z"


def seconds_of(stamp: str) -> float:
    """Seconds since the epoch, from the time of a line."""
    return datetime.fromisoformat(stamp[:26] + "+00:00").timestamp()
