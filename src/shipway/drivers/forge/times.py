"""Times as forges write them; and which commit somebody approved, where a forge says only when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


def moment(text: str) -> datetime | None:
    """A time as forges write it; None if it is none, or says no time zone."""
    try:
        found = datetime.fromisoformat(text.replace(" UTC", "+00:00"))  # as older versions of GitLab write it
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def since_epoch(text: str) -> float:
    """A time in seconds; 0 if it is none."""
    at = moment(text)
    return at.timestamp() if at is not None else 0.0


def seen(pushed: Sequence[tuple[datetime, str]], text: str) -> str:
    """The commit that was the newest one at a time; empty if that can't be told."""
    at = moment(text)
    before = [item for item in pushed if at is not None and item[0] < at]
    return max(before, key=lambda item: item[0])[1] if before else ""
