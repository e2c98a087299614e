"""Runs of jobs on a schedule as the ledger holds them, and which of them is due. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, takewhile

from shipway.domain.release import FAILED, PENDING
from shipway.domain.value import dataclass

TIMED_OUT, LOST = "timed out", "lost"  # further outcomes
ENDED_BADLY = (FAILED, TIMED_OUT, LOST)  # these are retried
MOST = 1000  # missed runs that are counted


@dataclass(frozen=True)
class ScheduledRun:
    """One attempt to run a job: at most one for each due time and attempt. All times are seconds since the epoch."""

    id: int
    app: str
    environment: str
    schedule: str
    due: float  # of one that a person started: when it was requested
    attempt: int  # from 0
    release: int
    host: str  # as in the plan
    actor: str
    reason: str  # empty if it was due
    created: float
    began: float | None = None  # recorded right before its container starts
    outcome: str = PENDING
    finished: float | None = None
    exit_code: int | None = None
    detail: str = ""
    log: str = ""  # its last lines
    missed: int = 0  # earlier due times that no run was made for
    missed_since: float | None = None

    @property
    def badly(self) -> bool:
        """Whether it ended and has to be retried or reported."""
        return self.outcome in ENDED_BADLY


@dataclass(frozen=True)
class Due:
    """A run that is due: the newest due time, and the earlier ones that nothing ran at."""

    at: float
    missed: int = 0
    missed_since: float | None = None


def newest_due(times: Iterator[float], last: float, valid: Callable[[float], bool]) -> Due | None:
    """The run that is due, if any. At most one run makes up for several missed ones.

    times: due times up to now, newest first. last: the newest due time that has a run. valid: whether the schedule
    already held at that time.
    """
    found = list(islice(takewhile(lambda at: at > last and valid(at), times), MOST + 1))
    if not found:
        return None
    return Due(found[0], len(found) - 1, found[-1] if len(found) > 1 else None)
