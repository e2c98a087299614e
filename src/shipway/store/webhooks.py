"""Webhooks."""

from __future__ import annotations

import dataclasses

from shipway.domain.webhook import Webhook
from shipway.store.database import Database

FIELDS = tuple(field.name for field in dataclasses.fields(Webhook))


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
