"""Locks with a time limit. Each row's token increases with every new owner, and fences the previous one."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from shipway.domain.errors import LeaseHeld
from shipway.domain.release import Lease
from shipway.store.database import Database, Row

LEASE = "SELECT name, owner, reason, since, expires, token FROM leases WHERE name = ?"


class SqlLeases:
    """Implements ports.LeaseLedger."""

    _db: Database

    def now(self) -> float:
        """By the ledger's clock."""
        return self._db.now()

    def acquire(self, name: str, owner: str, reason: str, ttl: float) -> Lease:
        """Acquire it if it is free or expired."""

        def take() -> Lease:
            at = self._db.now()
            held = self.lease(name)
            if held and held.expires > at:
                raise LeaseHeld(
                    _locked(held),
                    hint="wait until it ends (`shipway wait`, or --wait SECONDS), or stop it: `shipway cancel`",
                )
            lease = Lease(name, owner, reason, at, at + ttl, (held.token if held else 0) + 1)
            self._db.query(
                "INSERT INTO leases (name, owner, reason, since, expires, token) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, reason = excluded.reason, "
                "since = excluded.since, expires = excluded.expires, token = excluded.token",
                dataclasses.astuple(lease),
            )
            return lease

        return self._db.write(take)

    def renew(self, lease: Lease, ttl: float) -> Lease:
        """Extend it if it is still ours."""
        at = self._db.now()
        sql = "UPDATE leases SET expires = ? WHERE name = ? AND token = ? AND expires > ? RETURNING token"
        if not self._db.query(sql, (at + ttl, lease.name, lease.token, at)):
            now = self.lease(lease.name)
            raise LeaseHeld(f"the lock of {lease.name} was lost" + (f": {_locked(now)}" if now else ""))
        return dataclasses.replace(lease, expires=at + ttl)

    def free(self, lease: Lease) -> None:
        """Release it. The row is kept, so that the token keeps increasing."""
        self._db.query("UPDATE leases SET expires = 0 WHERE name = ? AND token = ?", (lease.name, lease.token))

    def lease(self, name: str) -> Lease | None:
        """The lock's current state, expired or not."""
        rows: list[Row] = self._db.query(LEASE, (name,))
        return Lease(*rows[0]) if rows else None


def _locked(lease: Lease) -> str:
    since = datetime.fromtimestamp(lease.since, UTC).strftime("%H:%M:%S UTC")
    return f"{lease.name} is locked by {lease.who} since {since}: {lease.reason}"
