"""Times and durations in the reader's words."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def human(seconds: float) -> str:
    """A duration: 12 ms, 1.4 s, 2 min 5 s, 3 h 10 min, 2 d 4 h. At most two units, zeros left out."""
    seconds = max(0.0, seconds)
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    large = next(index for index, (size, _) in enumerate(UNITS) if whole >= size)
    parts = []
    for size, unit in UNITS[large : large + 2]:
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def ago(seconds: float) -> str:
    """How long ago something was, in its largest unit: just now, 35 s ago, 5 min ago, 3 h ago, 2 d ago."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def timestamp(epoch: float) -> str:
    """Seconds since the epoch as 2026-11-23 04:12 UTC."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M UTC")
