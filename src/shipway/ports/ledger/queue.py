"""The queue of pushes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.queue import Push


class QueueLedger(Protocol):
    """Each push is claimed by one process at a time, in the order of its lane. Raises StoreError. Times are by the
    ledger's clock."""

    def enqueue(self, push: Push) -> Push:
        """Append it, and end those of its lane that it replaces and that were never claimed as superseded. Returns it with its
        id; one with this key that is there already as it is."""

    def claim_push(self, worker: str, places: Collection[str], ttl: float) -> Push | None:
        """The oldest one at these places that is the first open one of its lane and isn't claimed, or whose claim is over:
        it is claimed for `ttl` seconds. None: there is none."""

    def renew_push(self, push: Push, ttl: float) -> bool:
        """Extend this claim. False: it is another's, or the push has ended."""

    def end_push(self, push: Push, outcome: str, note: str = "") -> bool:
        """Record its end. False: the claim is another's, or the push has ended."""

    def push(self, id: int) -> Push | None:
        """The one with this id."""

    def pushes(self, limit: int = 50, *, open: bool = False) -> list[Push]:
        """Newest first. open: only those that have not ended, and those of them that were claimed before all others."""

    def forget_pushes(self, before: float) -> int:
        """Remove those that ended before this time; returns how many."""
