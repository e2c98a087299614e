"""Commands that people ran in environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.operation import Operation


class OperationLedger(Protocol):
    """Who ran what, where and when. Raises StoreError."""

    def begin_operation(self, operation: Operation) -> int:
        """Append it (its id is ignored) and return its id."""

    def end_operation(self, id: int, at: float, code: int) -> None:
        """Record its end; StoreError if it has ended."""

    def operations(self, app: str, environment: str | None = None, limit: int = 50) -> list[Operation]:
        """Newest first, with those that are about all apps or all environments."""
