"""The audit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.audit import AuditFilter, Entry, Fact


class AuditLedger(Protocol):
    """An append-only chain of entries: writers never fork it. Raises StoreError.

    The methods that record what somebody did append their entry themselves, in the same transaction."""

    def add_entry(self, fact: Fact) -> int:
        """Append an entry of who acts now (see system.acting), and return its number."""

    def audit(self, only: AuditFilter, limit: int = 50) -> list[Entry]:
        """This many of the newest, newest first."""

    def audit_ends(self, numbers: Sequence[int]) -> dict[int, Entry]:
        """The ends of these entries, by their number."""

    def audit_entry(self, number: int) -> Entry | None:
        """The one with that number."""

    def audit_chain(self) -> Iterator[Entry]:
        """All, oldest first, without holding them all."""
