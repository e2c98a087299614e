"""People, grants and API tokens."""

from __future__ import annotations

import dataclasses

from shipway.domain.people import Person, Token
from shipway.domain.permissions import Grant
from shipway.store.database import Database, Row

PEOPLE = "SELECT name, active, hash, totp, added FROM people"
TOKEN = "id, person, name, permissions, app, environment, created, expires, used, revoked"


class SqlPeople:
    """Implements ports.PeopleLedger."""

    _db: Database

    def people(self) -> list[Person]:
        """By name."""
        return [_person(row) for row in self._db.query(f"{PEOPLE} ORDER BY name")]

    def person(self, name: str) -> Person | None:
        """The person of that name."""
        rows = self._db.query(f"{PEOPLE} WHERE name = ?", (name,))
        return _person(rows[0]) if rows else None

    def add_person(self, name: str, at: float) -> bool:
        """Insert, or activate one that was removed."""
        sql = (
            "INSERT INTO people VALUES (?, '', 1, 0, ?) ON CONFLICT (name) DO UPDATE SET active = 1, added = excluded.added "
            "WHERE people.active = 0 RETURNING name"
        )
        return bool(self._db.query(sql, (name, at)))

    def remove_person(self, name: str, at: float) -> bool:
        """One transaction."""

        def remove() -> bool:
            sql = "UPDATE people SET active = 0, hash = '', totp = 0 WHERE name = ? AND active = 1 RETURNING name"
            if not self._db.query(sql, (name,)):
                return False
            for table in ("grants", "sign_in_links", "recovery_codes"):
                self._db.query(f"DELETE FROM {table} WHERE person = ?", (name,))
            self._db.query("UPDATE sessions SET ended = ? WHERE person = ? AND ended IS NULL", (at, name))
            self._db.query("UPDATE tokens SET revoked = ? WHERE person = ? AND revoked IS NULL", (at, name))
            return True

        return self._db.write(remove)

    def password_hash(self, name: str) -> str:
        """Of an active person."""
        rows = self._db.query("SELECT hash FROM people WHERE name = ? AND active = 1", (name,))
        return str(rows[0][0]) if rows else ""

    def set_password(self, name: str, hash: str, at: float, *, keep: int | None = None) -> bool:
        """One transaction."""

        def put() -> bool:
            sql = "UPDATE people SET hash = ? WHERE name = ? AND active = 1 RETURNING name"
            if not self._db.query(sql, (hash, name)):
                return False
            sql = "UPDATE sessions SET ended = ? WHERE person = ? AND ended IS NULL AND id <> ?"
            self._db.query(sql, (at, name, keep or 0))
            self._db.query("DELETE FROM sign_in_links WHERE person = ?", (name,))
            return True

        return self._db.write(put)

    def replace_hash(self, name: str, before: str, after: str) -> bool:
        """Compare and set."""
        sql = "UPDATE people SET hash = ? WHERE name = ? AND hash = ? AND active = 1 RETURNING name"
        return bool(self._db.query(sql, (after, name, before)))

    def grants(self, person: str | None = None) -> list[Grant]:
        """Of one person or all."""
        where, values = ("AND person = ?", (person,)) if person is not None else ("", ())
        sql = (
            "SELECT person, role, app, environment FROM grants JOIN people ON people.name = person "
            f"WHERE active = 1 {where} ORDER BY person, app, environment"
        )
        return [Grant(*row) for row in self._db.query(sql, values)]

    def add_grant(self, grant: Grant) -> bool:
        """One for each app and environment."""

        def add() -> bool:
            if not self._is_active(grant.person):
                return False
            sql = (
                "INSERT INTO grants (person, role, app, environment) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (person, app, environment) DO UPDATE SET role = excluded.role"
            )
            self._db.query(sql, dataclasses.astuple(grant))
            return True

        return self._db.write(add)

    def remove_grant(self, person: str, app: str, environment: str) -> bool:
        """Delete it."""
        sql = "DELETE FROM grants WHERE person = ? AND app = ? AND environment = ? RETURNING person"
        return bool(self._db.query(sql, (person, app, environment)))

    def add_token(self, token: Token, digest: str) -> int | None:
        """Append it."""

        def add() -> int | None:
            if not self._is_active(token.person):
                return None
            sql = (
                "INSERT INTO tokens (person, name, digest, permissions, app, environment, created, expires) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
            )
            values = (
                token.person, token.name, digest, " ".join(token.permissions), token.app, token.environment, token.created,
                token.expires,
            )  # fmt: skip
            return int(self._db.query(sql, values)[0][0])

        return self._db.write(add)

    def tokens(self, person: str | None = None) -> list[Token]:
        """Oldest first."""
        where, values = ("WHERE person = ?", (person,)) if person is not None else ("", ())
        return [_token(row) for row in self._db.query(f"SELECT {TOKEN} FROM tokens {where} ORDER BY id", values)]

    def token_of(self, digest: str) -> Token | None:
        """By its digest."""
        columns = ", ".join(f"tokens.{name}" for name in TOKEN.split(", "))
        sql = (
            f"SELECT {columns} FROM tokens JOIN people ON people.name = person "
            "WHERE digest = ? AND revoked IS NULL AND active = 1"
        )
        rows = self._db.query(sql, (digest,))
        return _token(rows[0]) if rows else None

    def use_token(self, id: int, at: float) -> None:
        """Record the time."""
        self._db.query("UPDATE tokens SET used = ? WHERE id = ?", (at, id))

    def revoke_token(self, id: int, at: float) -> bool:
        """Once."""
        sql = "UPDATE tokens SET revoked = ? WHERE id = ? AND revoked IS NULL RETURNING id"
        return bool(self._db.query(sql, (at, id)))

    def _is_active(self, person: str) -> bool:
        return bool(self._db.query("SELECT 1 FROM people WHERE name = ? AND active = 1", (person,)))


def _person(row: Row) -> Person:
    name, active, hash, totp, added = row
    return Person(name, bool(active), bool(hash), bool(totp), added)


def _token(row: Row) -> Token:
    id, person, name, permissions, *rest = row
    return Token(id, person, name, tuple(permissions.split()), *rest)
