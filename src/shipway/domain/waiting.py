"""Deployments that wait for people or for a time, and the hold of automatic deployment after a rollback."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain.value import dataclass

ATTEMPTS = 3  # deployments of one that are begun, if their processes die
REJECTED = "rejected by "  # how the note of one begins that a person turned down
REFUSED = "refused"  # outcome of one that a rule turned down when it was judged again; else as in domain.release


@dataclass(frozen=True)
class Waiting:
    """A deployment that was asked for by a push, and waits. An environment has one at a time."""

    app: str
    environment: str
    release: int
    revision: str  # of the commit that is deployed, whose tree the release has
    ref: str  # branch or tag, full
    actor: str  # who pushed
    person: str  # the same if a server has proven it: then what that person may do counts; else empty
    why: tuple[str, ...]  # what it waits for
    at: float  # seconds since the epoch by the ledger's clock, as all times here
    since: int = 0  # the newest deployment there when it was added
    until: float | None = None  # when it is to be judged again, whatever people do: the end of a freeze
    seen: str = ""  # what had been decided when it was judged last, see `mark`
    judged: float = 0.0
    begun: int = 0  # deployments of it that were begun
    ended: float | None = None
    outcome: str = ""
    note: str = ""  # about its outcome
    token: int = 0  # by which that person asked for it: it must still count then; 0: none
    id: int = 0

    def is_due(self, mark: str, now: float, again: float) -> bool:
        """Whether it is to be judged again: something was decided since, its time has come, its process died during the
        deployment, or `again` seconds are over."""
        timely = self.until is not None and self.judged < self.until <= now
        return self.begun > 0 or timely or mark != self.seen or now - self.judged >= again


@dataclass(frozen=True)
class Hold:
    """A rollback holds automatic deployment of its environment, or a person has ended that."""

    app: str
    environment: str
    held: bool  # False: it ends here
    release: int  # the one that was rolled back; of an end 0
    actor: str
    reason: str
    at: float


def in_force(records: Sequence[Hold], since: float) -> Hold | None:
    """The hold in force: the newest record, unless a person ended it or the environment was destroyed since. records:
    oldest first."""
    newest = records[-1] if records else None
    return newest if newest is not None and newest.held and newest.at > since else None
