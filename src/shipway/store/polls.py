"""Repositories that are asked for new commits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from shipway.domain.poll import Poll
from shipway.store.database import Database, Row

FIELDS = tuple(field.name for field in dataclasses.fields(Poll))
LISTED = ", ".join(FIELDS)


class SqlPolls:
    """Implements ports.PollLedger."""

    _db: Database

    def add_poll(self, poll: Poll) -> bool:
        """One at most of a name."""
        sql = (
            f"INSERT INTO polls ({LISTED}) VALUES ({', '.join('?' * len(FIELDS))}) "
            "ON CONFLICT (name) DO NOTHING RETURNING name"
        )
        data = {**dataclasses.asdict(poll), "refs": None if poll.refs is None else json.dumps(dict(poll.refs))}
        return bool(self._db.query(sql, [data[name] for name in FIELDS]))

    def remove_poll(self, name: str) -> bool:
        """What it found stays."""
        return bool(self._db.query("DELETE FROM polls WHERE name = ? RETURNING name", (name,)))

    def polls(self) -> list[Poll]:
        """By name."""
        return [_read(row) for row in self._db.query(f"SELECT {LISTED} FROM polls ORDER BY name")]

    def claim_poll(self, name: str) -> Poll | None:
        """By one statement."""
        now = self._db.now()
        sql = f"UPDATE polls SET asked = ? WHERE name = ? AND asked <= ? - every RETURNING {LISTED}"
        rows = self._db.query(sql, (now, name, now))
        return _read(rows[0]) if rows else None

    def record_poll(self, poll: Poll, refs: Mapping[str, str]) -> bool:
        """If nothing was recorded since it was claimed."""
        sql = "UPDATE polls SET refs = ?, seq = seq + 1, problem = '' WHERE name = ? AND seq = ? RETURNING name"
        return bool(self._db.query(sql, (json.dumps(dict(refs)), poll.name, poll.seq)))

    def fail_poll(self, name: str, problem: str) -> None:
        """Until a look succeeds."""
        self._db.query("UPDATE polls SET problem = ? WHERE name = ?", (problem, name))


def _read(row: Row) -> Poll:
    found = dict(zip(FIELDS, row, strict=True))
    return Poll(**(found | {"refs": None if found["refs"] is None else json.loads(found["refs"])}))
