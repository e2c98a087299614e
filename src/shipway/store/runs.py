"""Runs of pipelines, and the journal of their steps."""

from __future__ import annotations

import json

from shipway.domain.record import from_data, to_data
from shipway.domain.release import SUCCEEDED, Trigger
from shipway.domain.run import RunRecord, StepRecord, StepResult
from shipway.domain.totals import Total
from shipway.store.database import Database, Row
from shipway.store.outbox import add_news

NEWS = "SELECT 'run', app, '', id, '', ? FROM runs WHERE id = ?"
RUN = "SELECT id, app, revision, tree, kind, ref, actor, started, finished, outcome FROM runs WHERE app = ?"


class SqlRuns:
    """Implements ports.RunLedger."""

    _db: Database

    def begin_run(self, app: str, revision: str, tree: str, trigger: Trigger, at: float) -> int:
        """Append a pending run."""
        sql = "INSERT INTO runs (app, revision, tree, kind, ref, actor, started) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id"

        def begin() -> int:
            values = (app, revision, tree, trigger.kind, trigger.ref, trigger.actor, at)
            number = int(self._db.query(sql, values)[0][0])
            add_news(self._db, NEWS, (at, number))
            return number

        return self._db.write(begin)

    def end_run(self, run: int, outcome: str, at: float) -> None:
        """Finalize it."""

        def end() -> None:
            self._db.query("UPDATE runs SET outcome = ?, finished = ? WHERE id = ?", (outcome, at, run))
            add_news(self._db, NEWS, (at, run))

        self._db.write(end)

    def runs(self, app: str, limit: int) -> list[RunRecord]:
        """Newest first."""
        return [_run(row) for row in self._db.query(f"{RUN} ORDER BY id DESC LIMIT ?", (app, limit))]

    def run(self, app: str, number: int) -> RunRecord | None:
        """By its number."""
        rows = self._db.query(f"{RUN} AND id = ?", (app, number))
        return _run(rows[0]) if rows else None

    def pending_runs(self, app: str) -> list[RunRecord]:
        """Newest first."""
        return [_run(row) for row in self._db.query(f"{RUN} AND outcome = 'pending' ORDER BY id DESC", (app,))]

    def run_totals(self) -> list[Total]:
        """In one pass over all of them."""
        sql = """SELECT app, kind, outcome, COUNT(*), COALESCE(SUM(finished - started), 0) FROM runs
          GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
        return [Total(row[0], "", row[1], row[2], int(row[3]), float(row[4])) for row in self._db.query(sql)]

    def begin_step(self, run: int, name: str, key: str, at: float) -> None:
        """Append a pending step; restarts one of that name in the run."""
        self._db.query(
            "INSERT INTO steps (run, name, app, key, started) SELECT id, ?, app, ?, ? FROM runs WHERE id = ? "
            "ON CONFLICT (run, name) DO UPDATE SET key = excluded.key, started = excluded.started, outcome = 'pending', "
            "finished = NULL, result = NULL",
            (name, key, at, run),
        )

    def end_step(
        self, run: int, name: str, outcome: str, at: float, result: StepResult | None = None, failure: str = ""
    ) -> None:
        """Finalize it. Its result and the failure are one JSON object."""
        data = (to_data(result) if result else {}) | ({"failure": failure} if failure else {})
        sql = "UPDATE steps SET outcome = ?, finished = ?, result = ? WHERE run = ? AND name = ?"
        self._db.query(sql, (outcome, at, json.dumps(data), run, name))

    def steps(self, run: int) -> list[StepRecord]:
        """In the order in which they began."""
        sql = "SELECT name, key, started, finished, outcome, result FROM steps WHERE run = ? ORDER BY started, name"
        return [_step(row) for row in self._db.query(sql, (run,))]

    def recent_steps(self, app: str, runs: int) -> list[StepResult]:
        """Results of the newest runs' steps."""
        sql = "SELECT s.result FROM steps s JOIN (SELECT id FROM runs WHERE app = ? ORDER BY id DESC LIMIT ?) r ON s.run = r.id"
        return [from_data(StepResult, json.loads(row[0] or "{}")) for row in self._db.query(sql, (app, runs))]

    def passed_step(self, app: str, name: str, key: str) -> StepResult | None:
        """Result of the newest successful one."""
        sql = (
            "SELECT result FROM steps WHERE app = ? AND name = ? AND key = ? AND outcome = ? ORDER BY run DESC LIMIT 1"
        )
        rows = self._db.query(sql, (app, name, key, SUCCEEDED))
        return from_data(StepResult, json.loads(rows[0][0])) if rows else None


def _run(row: Row) -> RunRecord:
    number, app, revision, tree, kind, ref, actor, *times = row
    return RunRecord(number, app, revision, tree, Trigger(kind, ref, actor), *times)


def _step(row: Row) -> StepRecord:
    """One that has not ended has no result."""
    name, key, started, finished, outcome, text = row
    data = json.loads(text or "{}")
    return StepRecord(name, key, started, finished, outcome, from_data(StepResult, data), data.get("failure", ""))
