"""Deliver messages: each receiver gets one at a time, and one that is away keeps no other waiting."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from shipway.actions.messages.compose import compose
from shipway.context import Context
from shipway.domain.errors import ForgeError, NotifyError, SecretError, ShipwayError, StoreError
from shipway.domain.forge import OPENED, UPDATED
from shipway.domain.outbox import (
    DELIVERED,
    DROPPED,
    GIVEN_UP,
    NOTIFICATIONS,
    PATIENCE,
    Message,
    Notice,
    of_notification,
    of_webhook,
    pause,
)
from shipway.domain.webhook import TOKENS, repository_of
from shipway.ports import Forge, ForgeAccess, NotifierAccess
from shipway.system.durations import human

WORKERS = 4  # receivers that are told at the same time
PAUSE = 0.5  # seconds between looks for what is due
AGAIN = 5.0  # seconds until the next look while the ledger does not answer
TTL = 120.0  # seconds that a claim lasts: more than a delivery takes
LEAVE = 2.0  # seconds at the end for what is being delivered; another process takes up what takes longer
KEPT = 90 * 86400.0  # seconds that messages are kept after their end
DAY = 86400.0


class Messenger:
    """Delivers for one process. url: the address by which people reach the pages; empty: messages have no link.
    timeout: seconds of each silence of a receiver."""

    def __init__(self, ctx: Context, url: str = "", *, timeout: float = 10.0) -> None:
        self._ctx, self._url, self._timeout = ctx, url.rstrip("/"), timeout
        self._problems: dict[str, str] = {}  # that were reported, by channel
        self._tidied = 0.0
        self._passing = False  # whether this process does not stay

    def run(self, over: threading.Event) -> None:
        """Until `over`. Another process may do the same: each message is claimed by one."""
        works = [self._prepare, *[self._deliver_due] * WORKERS]
        threads = [threading.Thread(target=self._repeat, args=(over, work), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        over.wait()
        end = time.monotonic() + LEAVE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def once(self, seconds: float) -> None:
        """What is due by now, one after another, as far as the time suffices."""
        self._passing = True
        end = time.monotonic() + seconds
        compose(self._ctx)
        by = self._ctx.ledger.now()
        while time.monotonic() < end and not self._ctx.cancelled.is_set():
            message = self._ctx.ledger.claim_message(TTL, by)
            if message is None:
                return
            self._deliver(message)

    def _repeat(self, over: threading.Event, work: Callable[[threading.Event], None]) -> None:
        wait = PAUSE
        while not over.wait(wait):
            wait = PAUSE
            try:
                work(over)
            except StoreError:  # others report it
                wait = AGAIN
            except Exception as error:  # it must end neither this nor the process
                wait = AGAIN
                self._ctx.reporter.note(f"others could not be told: {type(error).__name__}")

    def _deliver_due(self, over: threading.Event) -> None:
        while not over.is_set() and (message := self._ctx.ledger.claim_message(TTL)):
            self._deliver(message)

    def _prepare(self, over: threading.Event) -> None:
        compose(self._ctx)
        if time.monotonic() - self._tidied >= DAY or not self._tidied:
            self._tidied = time.monotonic()
            self._ctx.ledger.forget_messages(self._ctx.ledger.now() - KEPT)

    def _deliver(self, message: Message) -> None:
        """Send a claimed message, and record how that ended."""
        try:
            outcome = self._send(message.channel, json.loads(message.message))
        except StoreError:
            raise
        except ShipwayError as error:
            self._failed(message, error)
        except Exception as error:  # whatever it is, it must not stop the others
            self._failed(message, NotifyError(f"it could not be delivered: {type(error).__name__}", refused=True))
        except BaseException:
            with suppress(ShipwayError):
                self._ctx.ledger.put_off(message, 0.0, message.problem, channel=False)
            raise
        else:
            self._ctx.ledger.end_message(message, outcome)
            if self._problems.pop(message.channel, ""):
                self._ctx.reporter.note(f"{message.channel}: delivered again")

    def _failed(self, message: Message, error: ShipwayError) -> None:
        ctx = self._ctx
        refused = bool(getattr(error, "refused", not isinstance(error, ForgeError | NotifyError)))
        problem = ctx.redactor.text(f"{error.message}; {error.hint}" if error.hint else error.message)
        if ctx.ledger.now() - message.added >= PATIENCE:
            ctx.ledger.end_message(message, GIVEN_UP, problem)
            ctx.reporter.note(f"{message.channel}: {message.topic} is given up: {problem}")
            return
        if self._passing and refused and not isinstance(error, ForgeError):
            # What this machine lacks, such as the key or a program, another one may have.
            ctx.ledger.put_off(message, 0.0, problem, channel=False)
            ctx.reporter.note(f"{message.channel}: {problem}")
            return
        seconds = pause(message.attempts, refused=refused, asked=getattr(error, "retry_after", 0.0))
        # What is refused may be about this message alone; who is away is away for all.
        ctx.ledger.put_off(message, seconds, problem, channel=not refused)
        if self._problems.get(message.channel) != problem:
            self._problems[message.channel] = problem
            ctx.reporter.note(f"{message.channel}: {problem}; it is tried again in {human(seconds)}")

    def _send(self, channel: str, data: Mapping[str, Any]) -> str:
        """The outcome. ForgeError, NotifyError, SecretError."""
        if data["kind"] == "notice":
            return self._notify(channel, data)
        webhook = next((item for item in self._ctx.ledger.webhooks() if of_webhook(item.name) == channel), None)
        token = next((item for item in self._ctx.ledger.forge_tokens() if of_webhook(item.webhook) == channel), None)
        if webhook is None or token is None:
            return DROPPED
        secret = self._secret(TOKENS, webhook.name)
        forge = self._forge(webhook.forge, ForgeAccess(secret, token.user, token.endpoint, self._timeout, patience=2.0))
        repository = repository_of(webhook.address, token.endpoint)
        if data["kind"] == "status":
            what = (data["commit"], data["context"], data["state"], data["description"], self._link(data["path"]))
            forge.set_status(repository, *what)
            return DELIVERED
        return self._comment(forge, repository, data)

    def _comment(self, forge: Forge, repository: str, data: Mapping[str, Any]) -> str:
        number = data.get("number")
        if number is None:
            pull = forge.pull_request_of(repository, data["commit"])
            if pull is None or pull.action not in (OPENED, UPDATED):
                return DROPPED
            number = pull.number
        link = self._link(data["path"])
        forge.comment(repository, int(number), data["marker"], data["text"] + (f"\n\n[More]({link})" if link else ""))
        return DELIVERED

    def _notify(self, channel: str, data: Mapping[str, Any]) -> str:
        found = next((item for item in self._ctx.ledger.notifications() if of_notification(item.name) == channel), None)
        if found is None:
            return DROPPED
        url = "" if found.command else self._secret(NOTIFICATIONS, found.name)
        access = NotifierAccess(url, found.command, max(self._timeout, 1.0))
        assert self._ctx.notifier is not None
        fields = {name: data[name] for name in ("event", "app", "environment", "title", "text", "at")}
        self._ctx.notifier(found.kind, access).send(Notice(**fields, url=self._link(data["path"])))
        return DELIVERED

    def _forge(self, kind: str, access: ForgeAccess) -> Forge:
        assert self._ctx.forge is not None
        return self._ctx.forge(kind, access)

    def _secret(self, scope: str, name: str) -> str:
        found = self._ctx.secrets.get(scope, name)
        if found is None:
            raise SecretError(f"what it takes to reach {name} is missing here", hint="set it again")
        return found

    def _link(self, path: str) -> str:
        return f"{self._url}{path}" if self._url and path else ""
