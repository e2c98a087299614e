"""The queue of pushes."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from shipway.domain.queue import SUPERSEDED, Push
from shipway.store.database import Database

FIELDS = tuple(field.name for field in dataclasses.fields(Push))
ADDED = tuple(name for name in FIELDS if name != "id")
PUSH = f"SELECT {', '.join(FIELDS)} FROM pushes"


class SqlQueue:
    """Implements ports.QueueLedger."""

    _db: Database

    def enqueue(self, push: Push) -> Push:
        """In one transaction with the end of those that it replaces."""
        sql = (
            f"INSERT INTO pushes (lane, {', '.join(ADDED)}) VALUES ({', '.join('?' * (len(ADDED) + 1))}) "
            "ON CONFLICT (key) DO NOTHING RETURNING id"
        )

        def add() -> Push:
            added = dataclasses.replace(push, queued=self._db.now())
            rows = self._db.query(sql, (push.lane, *(getattr(added, name) for name in ADDED)))
            if not rows:
                return Push(*self._db.query(f"{PUSH} WHERE key = ?", (push.key,))[0])
            added = dataclasses.replace(added, id=int(rows[0][0]))
            if push.replaces:
                self._db.query(
                    "UPDATE pushes SET ended = ?, outcome = ?, note = ? WHERE lane = ? AND ended IS NULL AND token = 0 AND id < ?",
                    (added.queued, SUPERSEDED, f"superseded by push {added.id}", push.lane, added.id),
                )
            return added

        return self._db.write(add)

    def claim_push(self, worker: str, places: Collection[str], ttl: float) -> Push | None:
        """The first open one of a lane, by the partial index of open ones."""
        sql = (
            f"{PUSH} WHERE ended IS NULL AND until <= ? AND place IN ({', '.join('?' * len(places))}) AND NOT EXISTS "
            "(SELECT 1 FROM pushes AS first WHERE first.lane = pushes.lane AND first.ended IS NULL AND first.id < pushes.id) "
            "ORDER BY id LIMIT 1"
        )
        if not self._db.query("SELECT 1 FROM pushes WHERE ended IS NULL LIMIT 1"):
            return None  # most of the time, and then nothing is locked

        def claim() -> Push | None:
            at = self._db.now()
            rows = self._db.query(sql, (at, *places))
            if not rows:
                return None
            found = Push(*rows[0])
            claimed = dataclasses.replace(
                found, worker=worker, token=found.token + 1, until=at + ttl, started=found.started or at
            )
            self._db.query(
                "UPDATE pushes SET worker = ?, token = ?, until = ?, started = ? WHERE id = ?",
                (worker, claimed.token, claimed.until, claimed.started, claimed.id),
            )
            return claimed

        return self._db.write(claim)

    def renew_push(self, push: Push, ttl: float) -> bool:
        """Also a claim that is over, if no other process has claimed it."""
        sql = "UPDATE pushes SET until = ? WHERE id = ? AND token = ? AND ended IS NULL RETURNING id"
        return bool(self._db.query(sql, (self._db.now() + ttl, push.id, push.token)))

    def end_push(self, push: Push, outcome: str, note: str = "") -> bool:
        """Once."""
        sql = "UPDATE pushes SET ended = ?, outcome = ?, note = ? WHERE id = ? AND token = ? AND ended IS NULL RETURNING id"
        return bool(self._db.query(sql, (self._db.now(), outcome, note, push.id, push.token)))

    def push(self, id: int) -> Push | None:
        """By its id."""
        rows = self._db.query(f"{PUSH} WHERE id = ?", (id,))
        return Push(*rows[0]) if rows else None

    def pushes(self, limit: int = 50, *, open: bool = False) -> list[Push]:
        """Newest first; of the open ones, those that were claimed before all others."""
        rest = (
            "WHERE ended IS NULL ORDER BY CASE WHEN token > 0 THEN 0 ELSE 1 END, id DESC"
            if open
            else "ORDER BY id DESC"
        )
        return [Push(*row) for row in self._db.query(f"{PUSH} {rest} LIMIT ?", (limit,))]

    def forget_pushes(self, before: float) -> int:
        """Never an open one."""
        return len(self._db.query("DELETE FROM pushes WHERE ended < ? RETURNING id", (before,)))
