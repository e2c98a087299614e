"""Deployments that wait, and holds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from shipway.domain.refs import short_name
from shipway.domain.release import DEPLOY, FAILED, SUPERSEDED, Deployment
from shipway.domain.waiting import REFUSED, Hold, Waiting
from shipway.store.database import Row
from shipway.store.deployments import SqlDeployments

FIELDS = tuple(field.name for field in dataclasses.fields(Waiting))
ADDED = FIELDS[:-1]  # all but the id
WAITING = f"SELECT {', '.join(FIELDS)} FROM waiting"
HOLD = "app, environment, held, release, actor, reason, at"


class SqlWaiting(SqlDeployments):
    """Implements ports.WaitingLedger."""

    def add_waiting(self, waiting: Waiting, over: int = 0) -> Waiting | None:
        """In one transaction with the end of the one that it replaces."""
        sql = f"INSERT INTO waiting ({', '.join(ADDED)}) VALUES ({', '.join('?' * len(ADDED))}) RETURNING id"

        def add() -> Waiting | None:
            found = self.waiting(waiting.app, waiting.environment)
            if found is not None and (found.release, found.revision, found.ref) == (
                waiting.release, waiting.revision, waiting.ref,
            ):  # fmt: skip
                self.judge_waiting(found.id, waiting.why, waiting.until, waiting.seen)
                return dataclasses.replace(found, why=waiting.why, until=waiting.until, seen=waiting.seen)
            if (found.id if found else 0) != over:
                return None
            added = dataclasses.replace(waiting, at=self._db.now(), judged=self._db.now())
            if found is not None:
                self.end_waiting(found, SUPERSEDED, f"superseded by release {added.release}, which waits now")
            data = dataclasses.asdict(added) | {"why": json.dumps(added.why, ensure_ascii=False)}
            rows = self._db.query(sql, [data[name] for name in ADDED])
            return dataclasses.replace(added, id=int(rows[0][0]))

        return self._db.write(add)

    def waiting(self, app: str, environment: str) -> Waiting | None:
        """The open one."""
        rows = self._db.query(f"{WAITING} WHERE app = ? AND environment = ? AND ended IS NULL", (app, environment))
        return _read(rows[0]) if rows else None

    def all_waiting(self) -> list[Waiting]:
        """By the partial index of open ones."""
        return [_read(row) for row in self._db.query(f"{WAITING} WHERE ended IS NULL ORDER BY id")]

    def waiting_of(self, id: int) -> Waiting | None:
        """Also one that has ended."""
        rows = self._db.query(f"{WAITING} WHERE id = ?", (id,))
        return _read(rows[0]) if rows else None

    def judge_waiting(self, id: int, why: Sequence[str], until: float | None, seen: str) -> None:
        """What it waits for now."""
        sql = "UPDATE waiting SET why = ?, until = ?, seen = ?, judged = ?, begun = 0 WHERE id = ? AND ended IS NULL"
        self._db.query(sql, (json.dumps(list(why), ensure_ascii=False), until, seen, self._db.now(), id))

    def begin_waiting(self, id: int) -> bool:
        """Count it."""
        return bool(
            self._db.query("UPDATE waiting SET begun = begun + 1 WHERE id = ? AND ended IS NULL RETURNING id", (id,))
        )

    def end_waiting(self, waiting: Waiting, outcome: str, note: str, *, recorded: bool = True) -> bool:
        """Once, in one transaction with its record in the history."""
        sql = "UPDATE waiting SET ended = ?, outcome = ?, note = ? WHERE id = ? AND ended IS NULL RETURNING id"
        reason = short_name(waiting.ref)

        def end() -> bool:
            at = self._db.now()
            ended = bool(self._db.query(sql, (at, outcome, note, waiting.id)))
            if ended and recorded:
                record = Deployment(
                    0, waiting.app, waiting.environment, waiting.release, DEPLOY, waiting.actor, reason, at
                )
                self.end_deployment(
                    self.begin_deployment(record), FAILED if outcome == REFUSED else outcome, at, None, note
                )
            return ended

        return self._db.write(end)

    def add_hold(self, hold: Hold) -> None:
        """Append it."""
        sql = f"INSERT INTO holds ({HOLD}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        values = (hold.app, hold.environment, int(hold.held), hold.release, hold.actor, hold.reason, hold.at)
        self._db.query(sql, values)

    def holds(self, app: str, environment: str) -> list[Hold]:
        """Oldest first."""
        sql = f"SELECT {HOLD} FROM holds WHERE app = ? AND environment = ? ORDER BY id"
        rows = self._db.query(sql, (app, environment))
        return [Hold(row[0], row[1], bool(row[2]), *row[3:]) for row in rows]


def _read(row: Row) -> Waiting:
    found = dict(zip(FIELDS, row, strict=True))
    return Waiting(**(found | {"why": tuple(json.loads(found["why"]))}))
