"""Purges of CDNs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.purge import Purge


class PurgeLedger(Protocol):
    """Purges are pending from before the switch until the provider has accepted them, or they are given up. Raises
    StoreError."""

    def begin_purge(self, purge: Purge, targets: str = "") -> int:
        """Append it (its id is ignored) and return its id. targets: what it purges, if that is decided."""

    def purge_targets(self, id: int) -> str:
        """What it purges; empty until that is decided."""

    def decide_purge(self, id: int, targets: str, what: str) -> None:
        """Record what it purges, and that in a few words."""

    def save_purge(self, purge: Purge) -> bool:
        """Record progress and outcome; False, without a change, if it has an outcome."""

    def pending_purges(self, app: str, environment: str) -> list[Purge]:
        """All without an outcome, oldest first."""

    def purges(self, app: str, environment: str, limit: int = 50) -> list[Purge]:
        """This many of the newest, newest first."""
