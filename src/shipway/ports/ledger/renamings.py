"""Names that apps and environments were given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.renaming import Renaming


class RenamingLedger(Protocol):
    """Renamings of apps and environments. Raises StoreError."""

    def renamings(self) -> list[Renaming]:
        """All of them, oldest first."""

    def rename(self, renaming: Renaming) -> bool:
        """Append it; False if any other app, or another environment of the app, has or had the name."""
