"""What actions reported."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from shipway.domain.errors import StoreError
from shipway.domain.event import Event, Subject
from shipway.store.database import Database

FIELDS = tuple(field.name for field in dataclasses.fields(Event))  # the last one is seq
OF_SUBJECT = "app = ? AND subject = ? AND number = ?"


class SqlEvents:
    """Implements ports.EventLedger."""

    _db: Database

    def add_events(self, subject: Subject, events: Sequence[Event]) -> None:
        """One transaction. StoreError on a disk that is almost full: what remains is for the records of a rollback."""
        if not self._db.has_room():
            raise StoreError(f"the disk of the ledger {self._db.name} is almost full: output is not kept")
        given = FIELDS[:-1]
        sql = f"INSERT INTO events (app, subject, number, {', '.join(given)}) VALUES ({', '.join('?' * (3 + len(given)))})"
        rows = [(*_key(subject), *(getattr(event, name) for name in given)) for event in events]

        def add() -> None:
            for row in rows:
                self._db.query(sql, row)

        self._db.write(add)

    def events(self, subject: Subject, after: int = 0, limit: int = 1000) -> list[Event]:
        """By the index of subjects."""
        sql = f"SELECT {', '.join(FIELDS)} FROM events WHERE {OF_SUBJECT} AND seq > ? ORDER BY seq LIMIT ?"
        return [Event(*row) for row in self._db.query(sql, (*_key(subject), after, limit))]

    def forget_events(self, app: str, before: float) -> int:
        """By the index of times."""
        sql = "DELETE FROM events WHERE app = ? AND at < ? RETURNING seq"
        return len(self._db.query(sql, (app, before)))


def _key(subject: Subject) -> tuple[str, str, int]:
    return subject.app, subject.kind, subject.number
