"""The ledger's own properties, and which objects on engines belong to it."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence

from shipway.domain.ownership import Adoption
from shipway.domain.release import DESTROY
from shipway.store.database import Database


class SqlOwnership:
    """Implements ports.OwnershipLedger."""

    _db: Database
    _identity = ""  # cached

    def property(self, name: str) -> str | None:
        """The value of a property."""
        rows = self._db.query("SELECT value FROM properties WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def set_once(self, name: str, value: str) -> str:
        """The first value wins."""
        found = self.property(name)
        if found is None:
            self._db.query("INSERT INTO properties VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value))
            found = self.property(name)
        return found or ""

    def replace_property(self, name: str, value: str) -> None:
        """Replace any value."""
        sql = "INSERT INTO properties VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        self._db.query(sql, (name, value))
        self._identity = ""

    def identity(self) -> str:
        """Generated at the first call, and constant from then on."""
        self._identity = self._identity or self.set_once("identity", secrets.token_hex(16))
        return self._identity

    def add_adoptions(self, adoptions: Sequence[Adoption]) -> None:
        """Record those not recorded yet."""
        sql = "INSERT INTO adoptions VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host, kind, id) DO NOTHING"
        self._db.write(lambda: [self._db.query(sql, dataclasses.astuple(item)) for item in adoptions])

    def adopted(self, host: str) -> set[tuple[str, str]]:
        """Kinds and ids."""
        return {(row[0], row[1]) for row in self._db.query("SELECT kind, id FROM adoptions WHERE host = ?", (host,))}

    def deployed_since(self, app: str, environment: str, release: int | None = None) -> float | None:
        """Start time of the first deployment."""
        sql = "SELECT MIN(started) FROM deployments WHERE app = ? AND environment = ? AND kind <> ?"
        values: tuple[object, ...] = (app, environment, DESTROY)
        where, more = (" AND release = ?", (release,)) if release is not None else ("", ())
        found: float | None = self._db.query(sql + where, (*values, *more))[0][0]
        return found

    def run_since(self, app: str, run: int) -> float | None:
        """Start time of a run."""
        rows = self._db.query("SELECT started FROM runs WHERE app = ? AND id = ?", (app, run))
        return float(rows[0][0]) if rows else None
