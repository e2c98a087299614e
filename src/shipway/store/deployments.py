"""The history of environments: a separate query for each question, never a page of a listing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import lru_cache

from shipway.domain.adjustments import Adjustments
from shipway.domain.record import from_data, to_data
from shipway.domain.release import DESTROY, SUCCEEDED, Deployment
from shipway.domain.snapshot import Snapshot
from shipway.domain.totals import Total
from shipway.store.database import Database, Row
from shipway.store.outbox import add_news

DEPLOYMENT = """SELECT d.id, d.app, d.environment, d.release, d.kind, d.actor, d.reason, d.started, d.secrets,
  COALESCE(o.outcome, 'pending'), o.finished, o.schema_revision, COALESCE(o.detail, ''), d.way, d.goal,
  d.adjustments
  FROM deployments d LEFT JOIN outcomes o ON o.deployment = d.id"""
NEWS = "SELECT 'deployment', app, environment, id, '', ? FROM deployments WHERE id = ?"
HERE = "d.app = ? AND d.environment = ?"
# A destroyed environment has no earlier history; an incomplete destroy leaves it. The index by kind makes this a single
# lookup.
DESTROYED = f"""FROM deployments JOIN outcomes ON deployment = id
  WHERE app = ? AND environment = ? AND kind = '{DESTROY}' AND outcome = '{SUCCEEDED}'"""
SINCE = f"d.kind <> '{DESTROY}' AND d.id > (SELECT COALESCE(MAX(id), 0) {DESTROYED})"


class SqlDeployments:
    """Implements ports.DeploymentLedger."""

    _db: Database

    def begin_deployment(self, deployment: Deployment) -> int:
        """Append as pending."""
        sql = (
            "INSERT INTO deployments (app, environment, release, kind, actor, reason, started, secrets, way, goal, "
            "adjustments) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        )
        item = deployment
        values = (item.app, item.environment, item.release, item.kind, item.actor, item.reason, item.started)
        known = {name: [version, item.fingerprints.get(name, "")] for name, version in item.secrets.items()}
        adjusted = json.dumps(to_data(item.adjustments)) if item.adjustments != Adjustments() else ""

        def begin() -> int:
            id = int(self._db.query(sql, (*values, json.dumps(known), item.way, item.goal, adjusted))[0][0])
            add_news(self._db, NEWS, (item.started, id))
            return id

        return self._db.write(begin)

    def end_deployment(self, id: int, outcome: str, at: float, schema: str | None, detail: str) -> None:
        """Append its outcome; a second one is rejected."""

        def end() -> None:
            self._db.query("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)", (id, outcome, at, schema, detail))
            add_news(self._db, NEWS, (at, id))

        self._db.write(end)

    def deployments(self, app: str, environment: str | None = None, limit: int = 50) -> list[Deployment]:
        """Newest first: a listing for display."""
        where, values = (f"{HERE}", (app, environment, limit)) if environment else ("d.app = ?", (app, limit))
        return self._deployments(f"WHERE {where} ORDER BY d.id DESC LIMIT ?", values)

    def deployment_totals(self) -> list[Total]:
        """In one pass over all of them."""
        sql = """SELECT d.app, d.environment, d.kind, COALESCE(o.outcome, 'pending'), COUNT(*), COALESCE(SUM(o.finished - d.started), 0)
          FROM deployments d LEFT JOIN outcomes o ON o.deployment = d.id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"""
        return [Total(row[0], row[1], row[2], row[3], int(row[4]), float(row[5])) for row in self._db.query(sql)]

    def deployment(self, app: str, environment: str, id: int) -> Deployment | None:
        """By its id."""
        return self._first(f"WHERE {HERE} AND d.id = ?", (app, environment, id))

    def latest(self, app: str, environment: str) -> Deployment | None:
        """The newest deployment."""
        return self._first(f"WHERE {HERE} ORDER BY d.id DESC LIMIT 1", (app, environment))

    def current(self, app: str, environment: str) -> Deployment | None:
        """The newest successful one."""
        sql = f"WHERE {HERE} AND o.outcome = ? AND {SINCE} ORDER BY d.id DESC LIMIT 1"
        return self._first(sql, (app, environment, SUCCEEDED, app, environment))

    def pending(self, app: str, environment: str) -> list[Deployment]:
        """Newest first."""
        sql = f"WHERE {HERE} AND o.deployment IS NULL ORDER BY d.id DESC"
        return self._deployments(sql, (app, environment))

    def deployments_of(self, app: str, environment: str, release: int) -> list[Deployment]:
        """Deployments of one release, newest first."""
        return self._deployments(
            f"WHERE {HERE} AND d.release = ? AND {SINCE} ORDER BY d.id DESC",
            (app, environment, release, app, environment),
        )

    def history(self, app: str, environment: str) -> list[Deployment]:
        """All of them, newest first."""
        return self._deployments(f"WHERE {HERE} AND {SINCE} ORDER BY d.id DESC", (app, environment, app, environment))

    def destroyed(self, app: str, environment: str) -> float:
        """Time of the last destroy; 0: never."""
        return float(self._db.query(f"SELECT COALESCE(MAX(started), 0) {DESTROYED}", (app, environment))[0][0])

    def environments(self, app: str) -> list[str]:
        """Oldest first."""
        sql = "SELECT environment FROM deployments WHERE app = ? GROUP BY environment ORDER BY MIN(id)"
        return [row[0] for row in self._db.query(sql, (app,))]

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Append it under the next number."""
        key = (snapshot.app, snapshot.environment)

        def add() -> Snapshot:
            rows = self._db.query(
                "SELECT COALESCE(MAX(number), 0) + 1 FROM snapshots WHERE app = ? AND environment = ?", key
            )
            numbered = dataclasses.replace(snapshot, number=int(rows[0][0]))
            sql = "INSERT INTO snapshots (app, environment, number, data) VALUES (?, ?, ?, ?)"
            self._db.query(sql, (*key, numbered.number, json.dumps(to_data(numbered))))
            return numbered

        return self._db.write(add)

    def snapshots(self, app: str, environment: str) -> list[Snapshot]:
        """Newest first."""
        sql = "SELECT data FROM snapshots WHERE app = ? AND environment = ? ORDER BY number DESC"
        return [from_data(Snapshot, json.loads(row[0])) for row in self._db.query(sql, (app, environment))]

    def _first(self, where: str, values: Sequence[object]) -> Deployment | None:
        return next(iter(self._deployments(where, values)), None)

    def _deployments(self, where: str, values: Sequence[object]) -> list[Deployment]:
        rows = self._db.query(f"{DEPLOYMENT} {where}", values)
        return [_deployment(row) for row in rows]


def _deployment(row: Row) -> Deployment:
    """Older records, without fingerprints, have version numbers of secrets."""
    versions, fingerprints = _secrets(row[8])
    adjustments = from_data(Adjustments, json.loads(row[15])) if row[15] else Adjustments()
    return Deployment(*[*row[:8], versions, *row[9:15], fingerprints, adjustments])


@lru_cache(maxsize=256)
def _secrets(text: str) -> tuple[dict[str, int], dict[str, str]]:
    """Cached, since most deployments of an environment have the same."""
    known = {name: item if isinstance(item, list) else [item, ""] for name, item in json.loads(text).items()}
    return {name: version for name, (version, _) in known.items()}, {
        name: made for name, (_, made) in known.items() if made
    }
