"""Releases, their version tags, and the evidence about them."""

from __future__ import annotations

import dataclasses
import json
from functools import lru_cache

from shipway.domain.record import from_data, to_data
from shipway.domain.release import Evidence, Release
from shipway.store.database import Database


class SqlReleases:
    """Implements ports.ReleaseLedger."""

    _db: Database

    def add_release(self, release: Release) -> Release:
        """Append under the next number."""

        def add() -> Release:
            rows = self._db.query("SELECT COALESCE(MAX(number), 0) + 1 FROM releases WHERE app = ?", (release.app,))
            numbered = dataclasses.replace(release, number=int(rows[0][0]))
            values = (numbered.app, numbered.number, numbered.tree, json.dumps(to_data(numbered)))
            self._db.query("INSERT INTO releases (app, number, tree, data) VALUES (?, ?, ?, ?)", values)
            return numbered

        return self._db.write(add)

    def restore_release(self, release: Release) -> Release:
        """Append under its own number; a taken one is rejected."""
        values = (release.app, release.number, release.tree, json.dumps(to_data(release)))
        self._db.query("INSERT INTO releases (app, number, tree, data) VALUES (?, ?, ?, ?)", values)
        return release

    def release(self, app: str, number: int) -> Release | None:
        """By number."""
        rows = self._db.query("SELECT data FROM releases WHERE app = ? AND number = ?", (app, number))
        return _release(rows[0][0]) if rows else None

    def releases(self, app: str, limit: int = 50) -> list[Release]:
        """Newest first."""
        sql = "SELECT data FROM releases WHERE app = ? ORDER BY number DESC LIMIT ?"
        return [_release(row[0]) for row in self._db.query(sql, (app, limit))]

    def releases_of(self, app: str, tree: str) -> list[Release]:
        """Newest first."""
        sql = "SELECT data FROM releases WHERE app = ? AND tree = ? ORDER BY number DESC"
        return [_release(row[0]) for row in self._db.query(sql, (app, tree))]

    def version(self, app: str, name: str) -> Release | None:
        """The newest release with this version."""
        sql = (
            "SELECT release FROM evidence WHERE app = ? AND kind = 'version' AND name = ? ORDER BY release DESC LIMIT 1"
        )
        rows = self._db.query(sql, (app, name))
        return self.release(app, int(rows[0][0])) if rows else None

    def versions(self, app: str, release: int) -> list[str]:
        """Oldest first."""
        sql = "SELECT name FROM evidence WHERE app = ? AND release = ? AND kind = 'version' ORDER BY id"
        return [row[0] for row in self._db.query(sql, (app, release))]

    def add_evidence(self, evidence: Evidence) -> None:
        """Append it."""
        sql = "INSERT INTO evidence (app, release, environment, kind, name, passed, detail, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        item = evidence
        values = (
            item.app,
            item.release,
            item.environment,
            item.kind,
            item.name,
            int(item.passed),
            item.detail,
            item.at,
        )
        self._db.query(sql, values)

    def evidence(self, app: str, release: int) -> list[Evidence]:
        """Oldest first."""
        sql = (
            "SELECT app, release, environment, kind, name, passed, detail, at FROM evidence "
            "WHERE app = ? AND release = ? ORDER BY id"
        )
        return [Evidence(*[*row[:5], bool(row[5]), *row[6:]]) for row in self._db.query(sql, (app, release))]


@lru_cache(maxsize=64)
def _release(text: str) -> Release:
    """A stored release, cached: it never changes, and an action reads the same few repeatedly."""
    return from_data(Release, json.loads(text))
