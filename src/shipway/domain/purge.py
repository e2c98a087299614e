"""A purge of a CDN as the ledger keeps it, and when it is attempted again. All times are seconds since the epoch."""

from __future__ import annotations

from dataclasses import replace

from shipway.domain.release import CANCELLED, FAILED, PENDING, SUCCEEDED
from shipway.domain.value import dataclass

FIRST = 30.0  # seconds until the second attempt; each further one waits twice as long
LONGEST = 1800.0  # seconds between two attempts, unless the provider demands more
GIVE_UP = 86_400.0  # seconds after which a purge that still fails is given up
ROUNDS = 5  # times that a CDN is purged which keeps answering with old copies


@dataclass(frozen=True)
class Purge:
    """One purge: recorded before the switch, and pending until the provider has accepted all of it."""

    id: int
    app: str
    environment: str
    deployment: int | None  # None: a person's request
    release: int  # serves since then
    previous: int | None  # served before; None: unknown
    plan: int  # the release whose plan names the CDN
    actor: str
    reason: str
    created: float
    what: str = ""  # in a few words; empty until it is decided
    done: int = 0  # batches that the provider has accepted
    rounds: int = 0  # times that all of them were
    attempts: int = 0  # that failed
    due: float = 0.0  # of the next attempt
    outcome: str = PENDING
    finished: float | None = None
    detail: str = ""  # why the last attempt failed
    verified: str = ""  # what a sample of its URLs showed

    @property
    def pending(self) -> bool:
        """Whether it is not over."""
        return self.outcome == PENDING

    def is_due(self, now: float) -> bool:
        """Whether to attempt it now; a time further ahead than any pause is of a clock that was set back since."""
        return not now < self.due <= now + GIVE_UP


def failed(purge: Purge, now: float, why: str, retry_after: float = 0.0) -> Purge:
    """After a failed attempt: with the time of the next one, or given up. retry_after: seconds, as the provider says."""
    wait = max(min(FIRST * 2**purge.attempts, LONGEST), retry_after)
    later = replace(purge, attempts=purge.attempts + 1, detail=why, due=now + wait)
    if later.due <= purge.created + GIVE_UP:
        return later
    return replace(later, outcome=FAILED, finished=now)


def stale(purge: Purge, now: float, why: str, settles: float) -> Purge:
    """After a complete purge, whose old copies are still there: a provider that needs `settles` seconds is asked again
    before it is purged again."""
    later = replace(purge, attempts=purge.attempts + 1, detail=why, verified=why, due=now + max(settles, FIRST))
    return later if purge.rounds < ROUNDS else replace(later, outcome=FAILED, finished=now)


def needless(purge: Purge, now: float) -> Purge:
    """Of a deployment that no request reached."""
    return replace(purge, outcome=CANCELLED, finished=now, detail="no request reached the release")


def succeeded(purge: Purge, now: float, verified: str) -> Purge:
    """After its last batch."""
    return replace(purge, outcome=SUCCEEDED, finished=now, detail="", verified=verified)
