"""Commands that people ran in environments."""

from __future__ import annotations

from shipway.domain.operation import Operation
from shipway.domain.permissions import ALL
from shipway.store.database import Database

COLUMNS = "app, environment, release, kind, service, actor, login, detail, started"


class SqlOperations:
    """Implements ports.OperationLedger."""

    _db: Database

    def begin_operation(self, operation: Operation) -> int:
        """Append it."""
        item = operation
        values = (
            item.app, item.environment, item.release, item.kind, item.service, item.actor, item.login, item.detail, item.started,
        )  # fmt: skip
        sql = f"INSERT INTO operations ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        return int(self._db.query(sql, values)[0][0])

    def end_operation(self, id: int, at: float, code: int) -> None:
        """Append its end; a second one is rejected."""
        self._db.query("INSERT INTO operation_ends VALUES (?, ?, ?)", (id, at, code))

    def operations(self, app: str, environment: str | None = None, limit: int = 50) -> list[Operation]:
        """Newest first."""
        there, values = ("AND environment IN (?, ?)", (environment, ALL)) if environment else ("", ())
        sql = f"""SELECT id, {COLUMNS}, finished, code FROM operations LEFT JOIN operation_ends ON operation = id
          WHERE app IN (?, ?) {there} ORDER BY id DESC LIMIT ?"""
        return [Operation(*row) for row in self._db.query(sql, (app, ALL, *values, limit))]
