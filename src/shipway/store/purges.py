"""Purges of CDNs."""

from __future__ import annotations

import dataclasses

from shipway.domain.purge import Purge
from shipway.store.database import Database

FIELDS = tuple(field.name for field in dataclasses.fields(Purge))
GIVEN = FIELDS[1:]  # all but the id
CHANGED = ("what", "done", "rounds", "attempts", "due", "outcome", "finished", "detail", "verified")
SELECT = f"SELECT {', '.join(FIELDS)} FROM purges WHERE app = ? AND environment = ?"


class SqlPurges:
    """Implements ports.PurgeLedger."""

    _db: Database

    def begin_purge(self, purge: Purge, targets: str = "") -> int:
        """Append it."""
        sql = f"INSERT INTO purges ({', '.join(GIVEN)}, targets) VALUES ({', '.join('?' * (len(GIVEN) + 1))}) RETURNING id"
        return int(self._db.query(sql, [*(getattr(purge, name) for name in GIVEN), targets])[0][0])

    def purge_targets(self, id: int) -> str:
        """What it purges."""
        return str(self._db.query("SELECT targets FROM purges WHERE id = ?", (id,))[0][0])

    def decide_purge(self, id: int, targets: str, what: str) -> None:
        """Record what it purges."""
        self._db.query("UPDATE purges SET targets = ?, what = ? WHERE id = ?", (targets, what, id))

    def save_purge(self, purge: Purge) -> bool:
        """Record its state, unless it is over."""
        sql = (
            f"UPDATE purges SET {', '.join(f'{name} = ?' for name in CHANGED)} "
            "WHERE id = ? AND outcome = 'pending' RETURNING id"
        )
        return bool(self._db.query(sql, [*(getattr(purge, name) for name in CHANGED), purge.id]))

    def pending_purges(self, app: str, environment: str) -> list[Purge]:
        """Oldest first."""
        rows = self._db.query(f"{SELECT} AND outcome = 'pending' ORDER BY id", (app, environment))
        return [Purge(*row) for row in rows]

    def purges(self, app: str, environment: str, limit: int = 50) -> list[Purge]:
        """Newest first."""
        rows = self._db.query(f"{SELECT} ORDER BY id DESC LIMIT ?", (app, environment, limit))
        return [Purge(*row) for row in rows]
