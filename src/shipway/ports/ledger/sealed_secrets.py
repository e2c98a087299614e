"""Encrypted values of secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from shipway.ports.ledger.ownership import PropertyLedger

if TYPE_CHECKING:
    from shipway.domain.secret_source import Origin


class SecretLedger(PropertyLedger, Protocol):
    """Versions of secrets by scope (app/environment) and name; a property holds the id of their key. Raises
    StoreError."""

    def secrets(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Fingerprints of a scope's secrets by name, oldest version first."""

    def sealed_secret(self, scope: str, name: str, version: int) -> str | None:
        """The encrypted value of a version; None if there is none."""

    def add_secret(self, scope: str, name: str, version: int, fingerprint: str, sealed: str) -> bool:
        """Append it; False if that version exists."""

    def secret_origins(self, scope: str) -> Mapping[str, Sequence[Origin]]:
        """When versions of a scope's secrets became known, and from where: by name, oldest first."""

    def add_secret_origin(self, scope: str, name: str, version: int, source: str, source_version: str) -> None:
        """Record that a version is known from this source since now."""
