"""Webhooks."""

from __future__ import annotations

import dataclasses

from shipway.domain.webhook import Received, Webhook
from shipway.store.database import Database

FIELDS = tuple(field.name for field in dataclasses.fields(Webhook))
RECEIVED = ", ".join(field.name for field in dataclasses.fields(Received))


class SqlWebhooks:
    """Implements ports.WebhookLedger."""

    _db: Database

    def add_webhook(self, webhook: Webhook) -> bool:
        """One at most of a name."""
        sql = (
            f"INSERT INTO webhooks ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))}) "
            "ON CONFLICT (name) DO NOTHING RETURNING name"
        )
        return bool(self._db.query(sql, dataclasses.astuple(webhook)))

    def remove_webhook(self, name: str) -> bool:
        """What it told stays."""
        return bool(self._db.query("DELETE FROM webhooks WHERE name = ? RETURNING name", (name,)))

    def webhooks(self) -> list[Webhook]:
        """By name."""
        return [Webhook(*row) for row in self._db.query(f"SELECT {', '.join(FIELDS)} FROM webhooks ORDER BY name")]

    def received(self, webhook: str, number: int) -> list[Received]:
        """By `at`."""
        sql = f"SELECT {RECEIVED} FROM received WHERE webhook = ? AND number = ? ORDER BY at"
        return [Received(*row) for row in self._db.query(sql, (webhook, number))]

    def add_received(self, received: Received) -> None:
        """Once."""
        sql = f"INSERT INTO received ({RECEIVED}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (webhook, digest) DO NOTHING"
        self._db.query(sql, dataclasses.astuple(dataclasses.replace(received, at=self._db.now())))

    def forget_received(self, before: float) -> int:
        """Whatever they told of."""
        return len(self._db.query("DELETE FROM received WHERE at < ? RETURNING digest", (before,)))
