"""What happened to the steps of launches."""

from __future__ import annotations

import dataclasses

from shipway.domain.launch import LaunchRecord
from shipway.store.database import Database

COLUMNS = "app, environment, step, outcome, release, detail, actor, at"


class SqlLaunches:
    """Implements ports.LaunchLedger."""

    _db: Database

    def add_launch_record(self, record: LaunchRecord) -> None:
        """Append it."""
        self._db.query(f"INSERT INTO launches ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", dataclasses.astuple(record))

    def launch_records(self, app: str, environment: str) -> list[LaunchRecord]:
        """Oldest first."""
        sql = f"SELECT {COLUMNS} FROM launches WHERE app = ? AND environment = ? ORDER BY id"
        return [LaunchRecord(*row) for row in self._db.query(sql, (app, environment))]
