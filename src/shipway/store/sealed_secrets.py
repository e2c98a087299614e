"""Encrypted values of secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.secret_source import Origin
from shipway.store.database import Database


class SqlSecrets:
    """Implements ports.SecretLedger, but for the properties."""

    _db: Database

    def secrets(self, scope: str) -> Mapping[str, Sequence[str]]:
        """Fingerprints by name."""
        found: dict[str, list[str]] = {}
        sql = "SELECT name, fingerprint FROM secrets WHERE scope = ? ORDER BY name, version"
        for name, fingerprint in self._db.query(sql, (scope,)):
            found.setdefault(name, []).append(fingerprint)
        return found

    def sealed_secret(self, scope: str, name: str, version: int) -> str | None:
        """The encrypted value."""
        sql = "SELECT sealed FROM secrets WHERE scope = ? AND name = ? AND version = ?"
        rows = self._db.query(sql, (scope, name, version))
        return str(rows[0][0]) if rows else None

    def add_secret(self, scope: str, name: str, version: int, fingerprint: str, sealed: str) -> bool:
        """Append it if that version is free."""
        sql = (
            "INSERT INTO secrets VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope, name, version) DO NOTHING RETURNING version"
        )
        return bool(self._db.query(sql, (scope, name, version, fingerprint, sealed)))

    def secret_origins(self, scope: str) -> Mapping[str, Sequence[Origin]]:
        """By name, oldest first."""
        found: dict[str, list[Origin]] = {}
        sql = "SELECT name, version, source, source_version, at FROM secret_origins WHERE scope = ? ORDER BY id"
        for name, *row in self._db.query(sql, (scope,)):
            found.setdefault(name, []).append(Origin(*row))
        return found

    def add_secret_origin(self, scope: str, name: str, version: int, source: str, source_version: str) -> None:
        """Append it, with the time of now."""
        sql = "INSERT INTO secret_origins (scope, name, version, source, source_version, at) VALUES (?, ?, ?, ?, ?, ?)"
        self._db.query(sql, (scope, name, version, source, source_version, self._db.now()))
