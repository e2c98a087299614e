"""Previews of pull requests."""

from __future__ import annotations

import dataclasses

from shipway.domain.preview import Preview
from shipway.store.database import Database, Row

FIELDS = tuple(field.name for field in dataclasses.fields(Preview))
LISTED = ", ".join(FIELDS)
WISH = ("head", "wanted", "actor", "asked", "reason")  # and the branch
DONE = ("done", "release", "problem", "ends", "sleep", "used", "requests", "asleep")


class SqlPreviews:
    """Implements ports.PreviewLedger."""

    _db: Database

    def want_preview(self, preview: Preview) -> Preview:
        """By one statement: two at once follow each other."""
        given = dataclasses.replace(preview, asked=self._db.now(), seq=1)
        taken = ", ".join(f"{name} = excluded.{name}" for name in WISH)
        sql = (
            f"INSERT INTO previews ({LISTED}) VALUES ({', '.join('?' * len(FIELDS))}) ON CONFLICT (app, number) DO UPDATE SET "
            f"{taken}, seq = previews.seq + 1, "
            "problem = CASE WHEN excluded.head = previews.head THEN previews.problem ELSE '' END, "
            "done = CASE WHEN excluded.wanted = previews.wanted THEN previews.done ELSE '' END, "
            "branch = CASE WHEN excluded.branch = '' THEN previews.branch ELSE excluded.branch END "
            f"RETURNING {LISTED}"
        )
        return _read(self._db.query(sql, [_value(getattr(given, name)) for name in FIELDS])[0])

    def previews(self, app: str | None = None) -> list[Preview]:
        """By app and number."""
        where, values = ("WHERE app = ?", (app,)) if app is not None else ("", ())
        return [
            _read(row) for row in self._db.query(f"SELECT {LISTED} FROM previews {where} ORDER BY app, number", values)
        ]

    def record_preview(self, preview: Preview) -> bool:
        """Unless there is a newer wish."""
        taken = ", ".join(f"{name} = ?" for name in DONE)
        sql = f"UPDATE previews SET {taken} WHERE app = ? AND number = ? AND seq = ? RETURNING number"
        values = [_value(getattr(preview, name)) for name in (*DONE, "app", "number", "seq")]
        return bool(self._db.query(sql, values))

    def see_preview(self, preview: Preview, at: float) -> None:
        """Unless anything else was recorded since."""
        sql = "UPDATE previews SET used = ? WHERE app = ? AND number = ? AND seq = ? AND used = ? RETURNING number"
        self._db.query(sql, (at, preview.app, preview.number, preview.seq, preview.used))

    def forget_preview(self, preview: Preview) -> bool:
        """Unless there is a newer wish."""
        sql = "DELETE FROM previews WHERE app = ? AND number = ? AND seq = ? RETURNING number"
        return bool(self._db.query(sql, (preview.app, preview.number, preview.seq)))


def _value(value: object) -> object:
    return int(value) if isinstance(value, bool) else value


def _read(row: Row) -> Preview:
    found = dict(zip(FIELDS, row, strict=True))
    return Preview(**{**found, "asleep": bool(found["asleep"])})
