"""Pushes that wait for their turn: a process claims one by a lease with a token, works on it, and ends it."""

from __future__ import annotations

from shipway.domain.refs import HEADS, TAGS
from shipway.domain.value import dataclass

SUPERSEDED = (
    "superseded"  # outcome of one that a newer push of its branch replaced while it waited; else as in domain.release
)
HTTP = "git push by HTTP"  # how one came whose actor is a person of the server; what that person may do counts
WITH_TOKEN = f"{HTTP} with token "  # and its number: what that token may do counts too
ZEROS = "0" * 40  # in place of a revision that there is not
PUSH = "push"  # kind of the events' subject


@dataclass(frozen=True)
class Push:
    """What was pushed, and how far it got."""

    key: str  # of the delivery: the same one again is recognised by it
    repository: str  # path of the bare repository with the commits
    place: str  # machine that has it (see system.machine); empty: any can get it
    ref: str  # full
    old: str  # revision; zeros if the ref is new
    new: str  # revision; zeros if it was deleted
    actor: str  # who pushed, as far as that is proven; empty: unknown
    via: str  # how it came, in words
    protected: str  # the branch that a first push registers; empty: HEAD of the repository
    queued: float  # seconds since the epoch by the ledger's clock, as all times here
    id: int = 0  # its place in the queue, which is assigned when it is added
    worker: str = ""  # who claimed it last
    token: int = 0  # increases with every claim, and fences the previous one; 0: never claimed
    until: float = 0.0  # end of the claim
    started: float | None = None
    ended: float | None = None
    outcome: str = ""
    note: str = ""  # about its outcome

    @property
    def person(self) -> str:
        """Who pushed, if that was proven: then what they may do counts. Else empty."""
        return self.actor if self.via == HTTP or self.via.startswith(WITH_TOKEN) else ""

    @property
    def with_token(self) -> int:
        """The number of the token by which that was proven; 0: by none."""
        number = self.via.removeprefix(WITH_TOKEN)
        return int(number) if number.isascii() and number.isdecimal() and number != self.via else 0

    @property
    def lane(self) -> str:
        """Those of a lane are worked on one after another, in order: a branch's, and all tags of a repository."""
        return f"{self.repository} {TAGS if self.ref.startswith(TAGS) else self.ref}"

    @property
    def replaces(self) -> bool:
        """Whether older ones of its lane that still wait have no use any more."""
        return self.ref.startswith(HEADS)


def runs(revision: str, ref: str) -> bool:
    """Whether a pushed ref is one that runs: a branch or a tag that was not deleted."""
    return set(revision) != set(ZEROS) and ref.startswith((HEADS, TAGS))
