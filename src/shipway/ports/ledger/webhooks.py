"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.webhook import Received, Webhook


class WebhookLedger(Protocol):
    """Those that count. Raises StoreError."""

    def add_webhook(self, webhook: Webhook) -> bool:
        """False: there is one of that name."""

    def remove_webhook(self, name: str) -> bool:
        """False: there is none of that name."""

    def webhooks(self) -> list[Webhook]:
        """By name."""

    def received(self, webhook: str, number: int) -> list[Received]:
        """The requests that told of a pull request, in the order in which they came."""

    def add_received(self, received: Received) -> None:
        """The same request again adds nothing. `at` is set by the ledger."""

    def forget_received(self, before: float) -> int:
        """Remove those that came before that time, and return how many."""
