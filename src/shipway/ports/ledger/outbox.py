"""What others are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.outbox import Message, News, Notification
    from shipway.domain.webhook import ForgeToken


class OutboxLedger(Protocol):
    """News and messages, and who receives them. Raises StoreError.

    The ledger itself adds news of runs and deployments when they begin and end, of certificates and backups when they fail,
    in one transaction with that. It adds none as long as there is no receiver, or if the disk is almost full."""

    def add_news(self, news: News) -> None:
        """Of what the ledger doesn't see itself. The same conditions hold."""

    def news(self, limit: int = 100) -> list[News]:
        """Oldest first."""

    def forget_news(self, id: int) -> None:
        """It was turned into messages."""

    def tell(self, message: Message) -> bool:
        """Add it, or replace one of its channel and topic that has a lower rank. False: there is one of that rank or a higher
        one, which stays. One that was delivered waits again when it is replaced."""

    def claim_message(self, ttl: float, by: float | None = None) -> Message | None:
        """The first one that is due, of a channel of which no other is claimed. by: only if it was due by
        then."""

    def end_message(self, message: Message, outcome: str, problem: str = "") -> bool:
        """End a claimed one. False: the claim is another's, or a newer state has replaced it, which is due at once."""

    def put_off(self, message: Message, pause: float, problem: str, *, channel: bool) -> None:
        """Let a claimed one wait for the next attempt. channel: so long also all others of its channel."""

    def wake(self, channel: str) -> None:
        """All that wait are due now, as if they were new."""

    def drop(self, channel: str) -> None:
        """All that wait have ended: the receiver was removed."""

    def messages(self, channel: str = "", limit: int = 100) -> list[Message]:
        """Newest first; those that wait before all others."""

    def forget_messages(self, before: float) -> int:
        """Remove those that ended before that time; returns their number."""

    def add_notification(self, notification: Notification) -> bool:
        """False: there is one of that name."""

    def remove_notification(self, name: str) -> bool:
        """False: there is none of that name."""

    def notifications(self) -> list[Notification]:
        """By name."""

    def set_forge_token(self, token: ForgeToken) -> None:
        """Of a webhook, in place of an earlier one."""

    def remove_forge_token(self, webhook: str) -> bool:
        """False: there is none."""

    def forge_tokens(self) -> list[ForgeToken]:
        """By webhook."""
