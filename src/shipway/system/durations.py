"""Times for messages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from shipway.domain.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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


def past(text: str, now: float) -> float:
    """Seconds since the epoch, of '90s', '10m', '1h' or '2d' ago, or of a date with or without a time (in UTC, unless it
    names another zone). UsageError if it is neither."""
    ago = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if ago:
        return max(0.0, now - float(ago[1]) * _UNITS[ago[2]])
    try:
        found = datetime.fromisoformat(text)
        return max(0.0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is not a time", hint="pass 10m, 1h, 2d, 2024-01-31 or 2024-01-31T10:00") from None
