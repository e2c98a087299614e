"""Releases, their version tags, and the evidence about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.release import Evidence, Release


class ReleaseLedger(Protocol):
    """An app's releases, numbered from 1 without gaps. Raises StoreError."""

    def add_release(self, release: Release) -> Release:
        """Append it under the app's next number (its own is ignored), and return it with that."""

    def restore_release(self, release: Release) -> Release:
        """Append another ledger's release under its number there; StoreError if that is taken."""

    def release(self, app: str, number: int) -> Release | None: ...
    def releases(self, app: str, limit: int = 50) -> list[Release]:
        """This many of the newest, newest first."""

    def releases_of(self, app: str, tree: str) -> list[Release]:
        """All that were built from a tree of the repository, newest first."""

    def version(self, app: str, name: str) -> Release | None:
        """The newest release with this version tag."""

    def versions(self, app: str, release: int) -> list[str]:
        """The release's version tags, oldest first."""

    def add_evidence(self, evidence: Evidence) -> None: ...
    def evidence(self, app: str, release: int) -> list[Evidence]:
        """Oldest first."""
