"""Records of backups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.backups import Backup


class BackupLedger(Protocol):
    """Backups are pending from their start until their outcome is recorded. Raises StoreError."""

    def begin_backup(self, backup: Backup) -> int:
        """Append it (its id is ignored) and return its id."""

    def record_backup(self, backup: Backup) -> None:
        """Replace the record with its id."""

    def backups(self, app: str, environment: str) -> list[Backup]:
        """All of an environment, newest first. An empty app: those of the ledger itself."""

    def copy_to(self, path: str) -> None:
        """Write a consistent copy of the ledger into a new file, while others use it. StoreError if it is on a server."""
