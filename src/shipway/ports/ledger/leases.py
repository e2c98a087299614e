"""Locks with a time limit, and the clock that they use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.release import Lease


class LeaseLedger(Protocol):
    """Locks by name; each has one owner at a time. Raises StoreError."""

    def now(self) -> float:
        """Seconds since the epoch by the ledger's clock."""

    def acquire(self, name: str, owner: str, reason: str, ttl: float) -> Lease:
        """Acquire the lock for `ttl` seconds if it is free or expired; else LeaseHeld with owner, start time and
        reason."""

    def renew(self, lease: Lease, ttl: float) -> Lease:
        """Extend it; LeaseHeld if it has expired, or another owner has taken it."""

    def free(self, lease: Lease) -> None:
        """Release it; no error if it was lost."""

    def lease(self, name: str) -> Lease | None:
        """Its current state, expired or not; None if it was never acquired."""
