"""Times for messages."""

from __future__ import annotations

from datetime import UTC, datetime


def human(seconds: float) -> str:
    """'0.3 s', '14.2 s', '2 min 5 s', '15 min', '3 h 4 min'."""
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s".removesuffix(" 0 s")
    return f"{minutes // 60} h {minutes % 60} min".removesuffix(" 0 min")


def ago(seconds: float) -> str:
    """'just now', '5 min ago', '3 h ago', '2 days ago'."""
    for limit, unit, size in ((90, "s", 1), (5400, "min", 60), (129600, "h", 3600)):
        if seconds < limit:
            return "just now" if seconds < 5 else f"{round(seconds / size)} {unit} ago"
    return f"{round(seconds / 86400)} days ago"


def timestamp(epoch: float) -> str:
    """'2026-11-23 04:12:09' in UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment(epoch: float, now: float) -> str:
    """'04:12 UTC', with the date if that differs from the date of `now`."""
    text = f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M} UTC"
    return text.removeprefix(f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d} ")
