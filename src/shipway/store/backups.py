"""Records of backups."""

from __future__ import annotations

import json

from shipway.domain.backups import FAILED, Backup, Manifest
from shipway.domain.record import from_data, to_data
from shipway.store.database import Database, Row
from shipway.store.outbox import add_news

FIELDS = (
    "manifest", "store", "actor", "reason", "started", "due", "outcome", "finished", "detail", "digest", "verified", "how",
    "problem",
)  # fmt: skip

NEWS = "SELECT 'backup', app, environment, id, ?, ? FROM backups WHERE id = ?"


class SqlBackups:
    """Implements ports.BackupLedger."""

    _db: Database

    def begin_backup(self, backup: Backup) -> int:
        """Append it."""
        sql = (
            f"INSERT INTO backups (app, environment, {', '.join(FIELDS)}) VALUES (?, ?, {', '.join('?' * len(FIELDS))}) "
            "RETURNING id"
        )
        key = (backup.manifest.app, backup.manifest.environment)
        return int(self._db.query(sql, (*key, *_values(backup)))[0][0])

    def record_backup(self, backup: Backup) -> None:
        """Replace it."""
        sql = f"UPDATE backups SET {', '.join(f'{name} = ?' for name in FIELDS)} WHERE id = ?"

        def record() -> None:
            self._db.query(sql, (*_values(backup), backup.id))
            if backup.outcome == FAILED or backup.problem:
                said = backup.problem or backup.detail
                add_news(self._db, NEWS, (said, backup.finished or backup.started, backup.id))

        self._db.write(record)

    def backups(self, app: str, environment: str) -> list[Backup]:
        """Newest first."""
        sql = f"SELECT id, {', '.join(FIELDS)} FROM backups WHERE app = ? AND environment = ? ORDER BY id DESC"
        return [_backup(row) for row in self._db.query(sql, (app, environment))]

    def copy_to(self, path: str) -> None:
        """By the database's own means."""
        self._db.copy_to(path)


def _values(backup: Backup) -> tuple[object, ...]:
    return (json.dumps(to_data(backup.manifest)), *(getattr(backup, name) for name in FIELDS[1:]))


def _backup(row: Row) -> Backup:
    return Backup(row[0], from_data(Manifest, json.loads(row[1])), *row[2:])
