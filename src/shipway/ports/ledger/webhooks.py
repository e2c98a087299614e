"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.webhook import Webhook


class WebhookLedger(Protocol):
    """Those that count. Raises StoreError."""

    def add_webhook(self, webhook: Webhook) -> bool:
        """False: there is one of that name."""

    def remove_webhook(self, name: str) -> bool:
        """False: there is none of that name."""

    def webhooks(self) -> list[Webhook]:
        """By name."""
