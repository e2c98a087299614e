"""Runs of jobs on a schedule."""

from __future__ import annotations

import dataclasses

from shipway.domain.scheduled_run import ScheduledRun
from shipway.store.database import Database

FIELDS = tuple(field.name for field in dataclasses.fields(ScheduledRun))
CLAIMED = FIELDS[1:]  # all but the id
RUN = f"SELECT {', '.join(FIELDS)} FROM scheduled_runs WHERE app = ? AND environment = ?"


class SqlSchedules:
    """Implements ports.ScheduleLedger."""

    _db: Database

    def claim_scheduled(self, run: ScheduledRun) -> int | None:
        """Append it, unless its due time and attempt are claimed."""
        sql = (
            f"INSERT INTO scheduled_runs ({', '.join(CLAIMED)}) VALUES ({', '.join('?' * len(CLAIMED))}) "
            "ON CONFLICT (app, environment, schedule, due, attempt) DO NOTHING RETURNING id"
        )
        rows = self._db.query(sql, [getattr(run, name) for name in CLAIMED])
        return int(rows[0][0]) if rows else None

    def begin_scheduled(self, id: int, at: float) -> None:
        """Record its start."""
        self._db.query("UPDATE scheduled_runs SET began = ? WHERE id = ?", (at, id))

    def end_scheduled(self, run: ScheduledRun, again: ScheduledRun | None = None) -> bool:
        """Finalize it once."""
        sql = (
            "UPDATE scheduled_runs SET outcome = ?, finished = ?, exit_code = ?, detail = ?, log = ? "
            "WHERE id = ? AND outcome = 'pending' RETURNING id"
        )

        def end() -> bool:
            values = (run.outcome, run.finished, run.exit_code, run.detail, run.log, run.id)
            ended = bool(self._db.query(sql, values))
            if ended and again is not None:
                self.claim_scheduled(again)
            return ended

        return self._db.write(end)

    def pending_scheduled(self, app: str, environment: str) -> list[ScheduledRun]:
        """Oldest first."""
        rows = self._db.query(f"{RUN} AND outcome = 'pending' ORDER BY id", (app, environment))
        return [ScheduledRun(*row) for row in rows]

    def scheduled_runs(self, app: str, environment: str, schedule: str, limit: int = 50) -> list[ScheduledRun]:
        """Newest first."""
        rows = self._db.query(f"{RUN} AND schedule = ? ORDER BY id DESC LIMIT ?", (app, environment, schedule, limit))
        return [ScheduledRun(*row) for row in rows]

    def last_due(self, app: str, environment: str, schedule: str, until: float) -> float | None:
        """The newest due time with a run."""
        sql = (
            "SELECT MAX(due) FROM scheduled_runs "
            "WHERE app = ? AND environment = ? AND schedule = ? AND due <= ? AND reason = ''"
        )
        found = self._db.query(sql, (app, environment, schedule, until))[0][0]
        return None if found is None else float(found)
