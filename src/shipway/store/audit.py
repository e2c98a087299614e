"""The audit's chain."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from shipway.domain.audit import BEGINNING, ENDED, Acting, AuditFilter, Entry, Fact, linked
from shipway.store.database import Database
from shipway.system.acting import acting

COLUMNS = ", ".join(field.name for field in dataclasses.fields(Entry))
BATCH = 2000  # entries read at once


class SqlAudit:
    """Implements ports.AuditLedger."""

    _db: Database

    def add_entry(self, fact: Fact) -> int:
        """In the transaction of the writer, which holds the lock of all writers from its start."""
        return self._db.write(lambda: append(self._db, fact, acting()))

    def audit(self, only: AuditFilter, limit: int = 50) -> list[Entry]:
        """By an index."""
        where = {
            "app = ?": only.app, "environment = ?": only.environment, "actor = ?": only.actor, "kind = ?": only.kind, "subject = ?": only.subject,
            "at >= ?": only.since, "at < ?": only.until, "number < ?": only.before, "kind <> ?": "" if only.ends else ENDED,
        }  # fmt: skip
        given = {name: value for name, value in where.items() if value not in (None, "")}
        sql = f"SELECT {COLUMNS} FROM audit WHERE {' AND '.join(given) or '1 = 1'} ORDER BY number DESC LIMIT ?"
        return [Entry(*row) for row in self._db.query(sql, (*given.values(), limit))]

    def audit_ends(self, numbers: Sequence[int]) -> dict[int, Entry]:
        """One query."""
        if not numbers:
            return {}
        marks = ", ".join("?" * len(numbers))
        sql = f"SELECT {COLUMNS} FROM audit WHERE kind = 'ended' AND part_of IN ({marks}) ORDER BY number"
        return {entry.part_of: entry for entry in (Entry(*row) for row in self._db.query(sql, numbers))}

    def audit_entry(self, number: int) -> Entry | None:
        """By its number."""
        rows = self._db.query(f"SELECT {COLUMNS} FROM audit WHERE number = ?", (number,))
        return Entry(*rows[0]) if rows else None

    def audit_chain(self) -> Iterator[Entry]:
        """In batches."""
        number: int | None = None
        while True:
            where, values = ("WHERE number > ?", (number,)) if number is not None else ("", ())
            rows = self._db.query(f"SELECT {COLUMNS} FROM audit {where} ORDER BY number LIMIT {BATCH}", values)
            yield from (Entry(*row) for row in rows)
            if len(rows) < BATCH:
                return
            number = rows[-1][0]


def append(database: Database, fact: Fact, who: Acting) -> int:
    """Append an entry, in a transaction that holds the lock of all writers: what is read is the last one."""
    rows = database.query("SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1")
    last = (int(rows[0][0]), str(rows[0][1])) if rows else (0, "")
    if fact.kind == ENDED and fact.part_of is None:
        number, app, environment = _begun(database, fact.subject)
        fact = dataclasses.replace(fact, part_of=number, app=app, environment=environment)
    made = linked(fact, who, database.now(), last)
    marks = ", ".join("?" * len(dataclasses.fields(Entry)))
    database.query(f"INSERT INTO audit ({COLUMNS}) VALUES ({marks})", dataclasses.astuple(made))
    return made.number


def begin(database: Database, what: str) -> None:
    """The first entry."""
    append(database, Fact(BEGINNING, what), acting())


def _begun(database: Database, subject: str) -> tuple[int, str, str]:
    """The newest entry about this subject, and where it is; 0: it is older than the audit."""
    sql = (
        "SELECT number, app, environment FROM audit WHERE subject = ? AND kind <> 'ended' ORDER BY number DESC LIMIT 1"
    )
    rows = database.query(sql, (subject,))
    return (int(rows[0][0]), rows[0][1], rows[0][2]) if rows else (0, "", "")
