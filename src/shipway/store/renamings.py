"""Names that apps and environments were given."""

from __future__ import annotations

import dataclasses

from shipway.domain.renaming import Names, Renaming
from shipway.store.database import Database

COLUMNS = "app, environment, name, actor, reason, at"
# The tables with environments' names that could be other environments' first ones.
APPS = ("registrations", "runs", "releases")
ENVIRONMENTS = (
    "deployments",
    "approvals",
    "acceptances",
    "snapshots",
    "accepted_rules",
    "operations",
    "scheduled_runs",
    "provisions",
    "launches",
)


class SqlRenamings:
    """Implements ports.RenamingLedger."""

    _db: Database

    def renamings(self) -> list[Renaming]:
        """Oldest first."""
        return [Renaming(*row) for row in self._db.query(f"SELECT {COLUMNS} FROM renamings ORDER BY id")]

    def rename(self, renaming: Renaming) -> bool:
        """One transaction: no other renaming can take the name meanwhile."""

        def append() -> bool:
            if self._is_another(renaming):
                return False
            sql = f"INSERT INTO renamings ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"
            self._db.query(sql, dataclasses.astuple(renaming))
            return True

        return self._db.write(append)

    def _is_another(self, item: Renaming) -> bool:
        names, app, name = Names(self.renamings()), item.app, item.name
        if not item.environment:
            known = names.app(name)
            return known != app if known != name else name != app and self._in(APPS, "app = ?", (name,))
        known = names.environment(app, name)
        if known != name:
            return known != item.environment
        return name != item.environment and (
            self._in(ENVIRONMENTS, "app = ? AND environment = ?", (app, name))
            or self._in(("secrets",), "scope = ?", (f"{app}/{name}",))
        )

    def _in(self, tables: tuple[str, ...], where: str, values: tuple[object, ...]) -> bool:
        return any(self._db.query(f"SELECT 1 FROM {table} WHERE {where} LIMIT 1", values) for table in tables)
