"""What actions reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.event import Event, Subject


class EventLedger(Protocol):
    """A stream of events for each subject. They only report: nothing is decided by them. Raises StoreError."""

    def add_events(self, subject: Subject, events: Sequence[Event]) -> None:
        """Append them in this order (their seq is ignored), all or none."""

    def events(self, subject: Subject, after: int = 0, limit: int = 1000) -> list[Event]:
        """The first ones after that seq, oldest first."""

    def forget_events(self, app: str, before: float) -> int:
        """Remove those that are older than this time, in seconds since the epoch; returns how many."""
