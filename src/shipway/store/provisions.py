"""Changes of DNS records and of infrastructure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain.provision import CERTIFICATE, FAILED, PENDING, Provision
from shipway.store.database import Database
from shipway.store.outbox import add_news

COLUMNS = "app, environment, kind, action, digest, revision, actor, login, detail, started"

NEWS = "SELECT kind, app, environment, id, ?, ? FROM provisions WHERE id = ? AND kind = ?"


class SqlProvisions:
    """Implements ports.ProvisionLedger."""

    _db: Database

    def begin_provision(self, provision: Provision) -> int:
        """Append it."""
        item = provision
        values = (
            item.app, item.environment, item.kind, item.action, item.digest, item.revision, item.actor, item.login,
            item.detail, item.started,
        )  # fmt: skip
        sql = f"INSERT INTO provisions ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        return int(self._db.query(sql, values)[0][0])

    def end_provision(
        self, id: int, at: float, outcome: str, message: str = "", outputs: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Append its end; a second one is rejected."""
        text = json.dumps({name: list(values) for name, values in (outputs or {}).items()}, sort_keys=True)

        def end() -> None:
            self._db.query("INSERT INTO provision_ends VALUES (?, ?, ?, ?, ?)", (id, at, outcome, message, text))
            if outcome == FAILED:
                add_news(self._db, NEWS, (message, at, id, CERTIFICATE))

        self._db.write(end)

    def provisions(
        self, app: str, environment: str, kind: str, limit: int = 20, *, outcome: str = ""
    ) -> list[Provision]:
        """Newest first."""
        sql = f"""SELECT id, {COLUMNS}, finished, outcome, message, outputs FROM provisions
          LEFT JOIN provision_ends ON provision = id
          WHERE app = ? AND environment = ? AND kind = ? {"AND outcome = ?" if outcome else ""}
          ORDER BY id DESC LIMIT ?"""
        values = (app, environment, kind, *([outcome] if outcome else []), limit)
        return [_provision(row) for row in self._db.query(sql, values)]


def _provision(row: Sequence[Any]) -> Provision:
    *begun, finished, outcome, message, outputs = row
    found = {name: tuple(values) for name, values in json.loads(outputs or "{}").items()}
    whole = (*begun, finished, outcome or PENDING, message or "", found)
    return Provision(*whole)
