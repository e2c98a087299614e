"""Times of a crontab's five fields in a time zone. Daylight saving time as in Debian's cron: a time that is skipped
comes at the end of the gap, one that occurs twice counts once; fields with `*` follow the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from operator import ge
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MARGIN = timedelta(hours=3)  # more than any clock is set back: iteration starts this much earlier
SPAN, YEAR, LONGEST = (
    7200.0,
    366 * 86400.0,
    50 * 366 * 86400.0,
)  # seconds that are searched backwards: first, later, in all
FIELDS = 5


def zone(name: str) -> ZoneInfo:
    """The time zone. ValueError if this machine doesn't know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"`{name[:60]}` is not a time zone that this machine knows (package tzdata)") from None


def require_valid(expression: str) -> None:
    """ValueError if it isn't five fields, has an invalid one, or never comes."""
    from cronsim import CronSim, CronSimError

    words = expression.split()
    if len(words) != FIELDS:
        raise ValueError(f"has {len(words)} {'field' if len(words) == 1 else 'fields'} and not {FIELDS}")
    try:
        next(CronSim(" ".join(words), datetime(2024, 1, 1)))
    except CronSimError as error:
        raise ValueError(f"has an invalid field: {str(error).lower().removeprefix('bad ')}") from None
    except StopIteration:
        raise ValueError("never comes: no date matches it") from None


def times_after(expression: str, name: str, at: float) -> Iterator[float]:
    """All times later than `at` in the time zone of that name, ascending, in seconds since the epoch."""
    from cronsim import CronSim

    start = datetime.fromtimestamp(at, zone("UTC")).replace(microsecond=0) - MARGIN
    last = at
    for found in CronSim(expression, start.astimezone(zone(name))):
        if (time := found.timestamp()) > last:
            yield time
            last = time


def times_before(expression: str, name: str, at: float) -> Iterator[float]:
    """All times up to and including `at`, descending. Found in ascending order, since a clock change means the same for
    both directions only then."""
    end, length = at, SPAN
    while end > at - LONGEST:
        found = takewhile(partial(ge, end), times_after(expression, name, end - length))
        yield from reversed(list(found))
        end, length = end - length, min(4 * length, YEAR)
