"""What others are told: news, messages, and who receives them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from shipway.domain.outbox import DROPPED, Message, News, Notification
from shipway.domain.webhook import ForgeToken
from shipway.store.database import Database, Row

NEWS = ("kind", "app", "environment", "number", "detail", "at", "id")
MESSAGE = tuple(field.name for field in dataclasses.fields(Message))
MESSAGES = f"SELECT {', '.join(MESSAGE)} FROM messages"
NOTIFICATION = ("name", "kind", "command", "events", "actor", "app", "environment", "created")
TOKEN = "webhook, endpoint, login, actor, created"


def add_news(database: Database, select: str, values: Sequence[object] = ()) -> None:
    """Add the news that a query of kind, app, environment, number and detail gives, in the open transaction. Nothing if there
    is no receiver, or if the disk is almost full: what remains is for records."""
    receivers = "SELECT 1 WHERE EXISTS (SELECT 1 FROM notifications) OR EXISTS (SELECT 1 FROM forge_tokens)"
    if database.query(receivers) and database.has_room():
        database.query(f"INSERT INTO news ({', '.join(NEWS[:5])}, at) {select}", values)


class SqlOutbox:
    """Implements ports.OutboxLedger."""

    _db: Database

    def add_news(self, news: News) -> None:
        """If somebody receives it."""
        values = (news.kind, news.app, news.environment, news.number, news.detail)
        self._db.write(lambda: add_news(self._db, "VALUES (?, ?, ?, ?, ?, ?)", (*values, self._db.now())))

    def news(self, limit: int = 100) -> list[News]:
        """Oldest first."""
        return [
            News(*row) for row in self._db.query(f"SELECT {', '.join(NEWS)} FROM news ORDER BY id LIMIT ?", (limit,))
        ]

    def forget_news(self, id: int) -> None:
        """By its id."""
        self._db.query("DELETE FROM news WHERE id = ?", (id,))

    def tell(self, message: Message) -> bool:
        """One that waits keeps its attempts: a receiver that is away is not asked more often for it."""
        now = self._db.now()
        sql = (
            "INSERT INTO messages (channel, topic, rank, message, added, attempts, due, token, until, problem, outcome) "
            "VALUES (?, ?, ?, ?, ?, 0, ?, 0, 0, '', '') ON CONFLICT (channel, topic) DO UPDATE SET "
            "rank = excluded.rank, message = excluded.message, added = excluded.added, "
            "attempts = CASE WHEN messages.ended IS NULL THEN messages.attempts ELSE 0 END, "
            "due = CASE WHEN messages.ended IS NULL THEN messages.due ELSE excluded.due END, "
            "problem = CASE WHEN messages.ended IS NULL THEN messages.problem ELSE '' END, "
            "ended = NULL, outcome = '' WHERE excluded.rank > messages.rank RETURNING id"
        )
        return bool(self._db.query(sql, (message.channel, message.topic, message.rank, message.message, now, now)))

    def claim_message(self, ttl: float, by: float | None = None) -> Message | None:
        """By the partial index of those that wait."""
        if not self._db.query("SELECT 1 FROM messages WHERE ended IS NULL LIMIT 1"):
            return None  # most of the time, and then nothing is locked
        sql = (
            f"{MESSAGES} WHERE ended IS NULL AND due <= ? AND until <= ? AND due <= ? AND NOT EXISTS (SELECT 1 FROM messages AS other "
            "WHERE other.channel = messages.channel AND other.ended IS NULL AND other.until > ?) ORDER BY due, id LIMIT 1"
        )
        now = self._db.now()
        if not self._db.query(sql, (now, now, now if by is None else by, now)):
            return None

        def claim() -> Message | None:
            at = self._db.now()
            rows = self._db.query(sql, (at, at, at if by is None else by, at))
            if not rows:
                return None
            found = Message(*rows[0])
            claimed = dataclasses.replace(found, token=found.token + 1, until=at + ttl)
            self._db.query(
                "UPDATE messages SET token = ?, until = ? WHERE id = ?", (claimed.token, claimed.until, claimed.id)
            )
            return claimed

        return self._db.write(claim)

    def end_message(self, message: Message, outcome: str, problem: str = "") -> bool:
        """Of the rank that was claimed."""
        key = (message.id, message.token)

        def end() -> bool:
            now = self._db.now()
            sql = (
                "UPDATE messages SET ended = ?, outcome = ?, problem = ?, until = 0 "
                "WHERE id = ? AND token = ? AND rank = ? AND ended IS NULL RETURNING id"
            )
            if self._db.query(sql, (now, outcome, problem, *key, message.rank)):
                return True
            replaced = (
                "UPDATE messages SET until = 0, due = ?, attempts = 0 WHERE id = ? AND token = ? AND ended IS NULL"
            )
            self._db.query(replaced, (now, *key))
            return False

        return self._db.write(end)

    def put_off(self, message: Message, pause: float, problem: str, *, channel: bool) -> None:
        """In one transaction."""

        def put() -> None:
            due = self._db.now() + pause
            sql = (
                "UPDATE messages SET attempts = attempts + 1, due = ?, problem = ?, until = 0 "
                "WHERE id = ? AND token = ? AND ended IS NULL RETURNING id"
            )
            if self._db.query(sql, (due, problem, message.id, message.token)) and channel:
                rest = "UPDATE messages SET due = ? WHERE channel = ? AND ended IS NULL AND due < ?"
                self._db.query(rest, (due, message.channel, due))

        self._db.write(put)

    def wake(self, channel: str) -> None:
        """From now on, they have their whole time again."""
        now = self._db.now()
        sql = "UPDATE messages SET due = ?, added = ?, attempts = 0 WHERE channel = ? AND ended IS NULL"
        self._db.query(sql, (now, now, channel))

    def drop(self, channel: str) -> None:
        """A claim is over then too."""
        sql = "UPDATE messages SET ended = ?, outcome = ?, token = token + 1 WHERE channel = ? AND ended IS NULL"
        self._db.query(sql, (self._db.now(), DROPPED, channel))

    def messages(self, channel: str = "", limit: int = 100) -> list[Message]:
        """By the index of channels."""
        where, values = ("WHERE channel = ?", (channel, limit)) if channel else ("", (limit,))
        order = "ORDER BY CASE WHEN ended IS NULL THEN 0 ELSE 1 END, added DESC, id DESC LIMIT ?"
        return [Message(*row) for row in self._db.query(f"{MESSAGES} {where} {order}", values)]

    def forget_messages(self, before: float) -> int:
        """Never one that waits."""
        return len(self._db.query("DELETE FROM messages WHERE ended < ? RETURNING id", (before,)))

    def add_notification(self, notification: Notification) -> bool:
        """One at most of a name."""
        item = notification
        sql = (
            f"INSERT INTO notifications ({', '.join(NOTIFICATION)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO NOTHING RETURNING name"
        )
        lists = (json.dumps(item.command), json.dumps(item.events))
        values = (item.name, item.kind, *lists, item.actor, item.app, item.environment, item.created)
        return bool(self._db.query(sql, values))

    def remove_notification(self, name: str) -> bool:
        """Its messages stay."""
        return bool(self._db.query("DELETE FROM notifications WHERE name = ? RETURNING name", (name,)))

    def notifications(self) -> list[Notification]:
        """By name."""
        sql = f"SELECT {', '.join(NOTIFICATION)} FROM notifications ORDER BY name"
        return [_notification(row) for row in self._db.query(sql)]

    def set_forge_token(self, token: ForgeToken) -> None:
        """One at most of a webhook."""
        sql = (
            f"INSERT INTO forge_tokens ({TOKEN}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (webhook) DO UPDATE SET "
            "endpoint = excluded.endpoint, login = excluded.login, actor = excluded.actor, created = excluded.created"
        )
        self._db.query(sql, dataclasses.astuple(token))

    def remove_forge_token(self, webhook: str) -> bool:
        """By its webhook."""
        return bool(self._db.query("DELETE FROM forge_tokens WHERE webhook = ? RETURNING webhook", (webhook,)))

    def forge_tokens(self) -> list[ForgeToken]:
        """By webhook."""
        return [ForgeToken(*row) for row in self._db.query(f"SELECT {TOKEN} FROM forge_tokens ORDER BY webhook")]


def _notification(row: Row) -> Notification:
    name, kind, command, events, *rest = row
    return Notification(name, kind, tuple(json.loads(command)), tuple(json.loads(events)), *rest)
