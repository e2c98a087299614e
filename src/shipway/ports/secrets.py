"""Values of secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.secret_source import Origin


class Secrets(Protocol):
    """Values by app and environment, versioned from 1; older versions stay readable. Raises SecretError."""

    def names(self, scope: str, *, removed: bool = False) -> Mapping[str, int]:
        """All names in a scope (app/environment) with their newest version. removed: with those that were removed, whose
        newest version has no value."""

    def get(self, scope: str, name: str, version: int | None = None) -> str | None:
        """Value of a version (None: the newest); None if it was never set."""

    def fingerprints(self, scope: str, name: str) -> Sequence[str]:
        """Fingerprints of all versions, oldest first: equal for equal values, without revealing them; empty for a
        removal. Needs no key."""

    def set(self, scope: str, name: str, value: str, *, source: str = "", source_version: str = "") -> int:
        """Store a new version and return its number, or the newest one's if the value is the same; a blank value is
        rejected. source: the provider that it is a copy of, with its own version there; empty: a person sets it."""

    def origins(self, scope: str) -> Mapping[str, Sequence[Origin]]:
        """Since when versions are known, and from where: by name, oldest first. Older versions have no record."""

    def remove(self, scope: str, name: str) -> bool:
        """Remove the name: `names` omits it, and `get` without a version returns None. Older versions stay readable,
        for a rollback to a release that used them. False if it wasn't set."""
