"""Changes of DNS records and of infrastructure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.provision import Provision


class ProvisionLedger(Protocol):
    """Who changed what, when, and what came of it. Raises StoreError."""

    def begin_provision(self, provision: Provision) -> int:
        """Append it (its id is ignored) and return its id."""

    def end_provision(
        self, id: int, at: float, outcome: str, message: str = "", outputs: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Record its end; StoreError if it has ended."""

    def provisions(
        self, app: str, environment: str, kind: str, limit: int = 20, *, outcome: str = ""
    ) -> list[Provision]:
        """Newest first. outcome: only those that have this end; "": all."""
