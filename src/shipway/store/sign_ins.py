"""Sessions, sign-in links, codes, and attempts to sign in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.people import DAY, FORGOTTEN, KNOWN, SessionRecord, is_valid, pause
from shipway.store.database import Database

SESSION = ("id", "person", "address", "how", "created", "seen", "ended")
CODES_KEPT = 30 * DAY  # far longer than any code is valid, should the clock be set back


class SqlSignIns:
    """Implements ports.SignInLedger."""

    _db: Database

    def add_session(self, session: SessionRecord, digest: str, hash: str) -> int | None:
        """Append it, and remove old ones."""

        def add() -> int | None:
            sql = "SELECT 1 FROM people WHERE name = ? AND active = 1 AND hash = ?"
            if not self._db.query(sql, (session.person, hash)):
                return None
            return self._append(session, session.person, digest)

        return self._db.write(add)

    def _append(self, session: SessionRecord, person: str, digest: str) -> int:
        self._db.query("DELETE FROM sessions WHERE seen < ?", (session.created - KNOWN,))
        sql = (
            "INSERT INTO sessions (person, digest, address, how, created, seen) VALUES (?, ?, ?, ?, ?, ?) RETURNING id"
        )
        values = (person, digest, session.address, session.how, session.created, session.seen)
        return int(self._db.query(sql, values)[0][0])

    def session_of(self, digest: str) -> SessionRecord | None:
        """By its digest."""
        sql = (
            f"SELECT {', '.join(f'sessions.{name}' for name in SESSION)} FROM sessions JOIN people ON people.name = person "
            "WHERE digest = ? AND ended IS NULL AND active = 1"
        )
        rows = self._db.query(sql, (digest,))
        return SessionRecord(*rows[0]) if rows else None

    def see_session(self, id: int, at: float) -> None:
        """Record the time."""
        self._db.query("UPDATE sessions SET seen = ? WHERE id = ? AND ended IS NULL", (at, id))

    def end_session(self, id: int, at: float) -> bool:
        """Once."""
        sql = "UPDATE sessions SET ended = ? WHERE id = ? AND ended IS NULL RETURNING id"
        return bool(self._db.query(sql, (at, id)))

    def is_known_address(self, person: str, address: str, since: float) -> bool:
        """By the index of people."""
        sql = "SELECT 1 FROM sessions WHERE person = ? AND address = ? AND created > ? LIMIT 1"
        return bool(self._db.query(sql, (person, address, since)))

    def add_link(self, person: str, digest: str, created: float, expires: float) -> bool:
        """Append it, and remove old ones."""

        def add() -> bool:
            self._db.query("DELETE FROM sign_in_links WHERE expires < ?", (created - DAY,))
            if not self._db.query("SELECT 1 FROM people WHERE name = ? AND active = 1", (person,)):
                return False
            self._db.query("INSERT INTO sign_in_links VALUES (?, ?, ?, ?, NULL)", (digest, person, created, expires))
            return True

        return self._db.write(add)

    def use_link(self, digest: str, at: float, session: SessionRecord, session_digest: str) -> SessionRecord | None:
        """Compare and set: of two processes, one finds it unused."""

        def use() -> SessionRecord | None:
            sql = (
                "UPDATE sign_in_links SET used = ? WHERE digest = ? AND used IS NULL "
                "AND person IN (SELECT name FROM people WHERE active = 1) RETURNING person, created, expires"
            )
            rows = self._db.query(sql, (at, digest))
            if not rows or not is_valid(rows[0][1], rows[0][2], at):
                return None
            person = str(rows[0][0])
            id = self._append(session, person, session_digest)
            return SessionRecord(id, person, session.address, session.how, session.created, session.seen)

        return self._db.write(use)

    def totp_version(self, person: str) -> int:
        """Of an active person."""
        rows = self._db.query("SELECT totp FROM people WHERE name = ? AND active = 1", (person,))
        return int(rows[0][0]) if rows else 0

    def set_totp(self, person: str, version: int, recovery: Sequence[str]) -> bool:
        """One transaction."""

        def put() -> bool:
            sql = "UPDATE people SET totp = ? WHERE name = ? AND active = 1 RETURNING name"
            if not self._db.query(sql, (version, person)):
                return False
            self._db.query("DELETE FROM recovery_codes WHERE person = ?", (person,))
            for digest in recovery:
                self._db.query("INSERT INTO recovery_codes VALUES (?, ?, NULL)", (person, digest))
            return True

        return self._db.write(put)

    def use_code(self, person: str, version: int, step: int, at: float) -> bool:
        """The first one inserts it."""

        def use() -> bool:
            self._db.query("DELETE FROM used_codes WHERE person = ? AND at < ?", (person, at - CODES_KEPT))
            sql = (
                "INSERT INTO used_codes (person, version, step, at) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (person, version, step) DO NOTHING RETURNING step"
            )
            return bool(self._db.query(sql, (person, version, step, at)))

        return self._db.write(use)

    def use_recovery_code(self, person: str, digest: str, at: float) -> bool:
        """Compare and set."""
        sql = "UPDATE recovery_codes SET used = ? WHERE person = ? AND digest = ? AND used IS NULL RETURNING digest"
        return bool(self._db.query(sql, (at, person, digest)))

    def begin_attempt(self, buckets: Mapping[str, int], at: float) -> float:
        """One transaction: of many attempts at once, each is counted before the next one looks."""

        def begin() -> float:
            self._db.query("DELETE FROM sign_in_attempts WHERE at < ?", (at - FORGOTTEN,))
            known = {bucket: self._failures(bucket, at) for bucket in buckets}
            wait = max((pause(known[name][0], free) - known[name][1] for name, free in buckets.items()), default=0.0)
            if wait > 0:
                return wait
            for bucket, (failures, _) in known.items():
                sql = (
                    "INSERT INTO sign_in_attempts VALUES (?, ?, ?) "
                    "ON CONFLICT (bucket) DO UPDATE SET failures = excluded.failures, at = excluded.at"
                )
                self._db.query(sql, (bucket, failures + 1, at))
            return 0.0

        return self._db.write(begin)

    def _failures(self, bucket: str, at: float) -> tuple[int, float]:
        """The number of failures, and how long ago the last one was. On a clock that was set back, it was just now: a pause
        is never longer than it was."""
        rows = self._db.query("SELECT failures, at FROM sign_in_attempts WHERE bucket = ?", (bucket,))
        if not rows:
            return 0, 0.0
        failures, last = rows[0]
        if last > at:
            self._db.query("UPDATE sign_in_attempts SET at = ? WHERE bucket = ?", (at, bucket))
        return int(failures), max(0.0, at - last)

    def end_attempt(self, person: str, address: str) -> None:
        """One transaction."""

        def end() -> None:
            self._db.query("DELETE FROM sign_in_attempts WHERE bucket = ?", (person,))
            sql = "UPDATE sign_in_attempts SET failures = failures - 1 WHERE bucket = ? AND failures > 0"
            self._db.query(sql, (address,))

        self._db.write(end)
