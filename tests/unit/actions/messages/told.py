"""A world whose app is at a forge, and somebody is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from shipway.actions.messages.deliver import Messenger
from shipway.actions.messages.receivers import add_notification, set_token
from shipway.actions.runs.webhooks import add_webhook
from shipway.domain.forge import OPENED, Hosted, Person, PullRequest, Status
from shipway.domain.registration import Registration
from shipway.domain.release import Trigger
from shipway.ports import ForgeAccess, NotifierAccess
from shipway.testing.memory_forge import MemoryForge
from shipway.testing.memory_notifier import MemoryNotifier
from tests.unit.world import World

NAME, TOKEN, URL = "acme/shop", "token-of-the-forge", "https://ship.example.org"
APPRISE = "slack://tokena/tokenb/tokenc"
COMMIT = f"{1:040d}"


class Told:
    """The webhook `shop` with a token, and the notification `ops`."""

    def __init__(self, folder: Path, *, address: str = "git@github.com:acme/shop.git") -> None:
        self.world = World(folder)
        self.forge, self.notifier = MemoryForge(), MemoryNotifier()
        self.accesses: list[ForgeAccess | NotifierAccess] = []
        self.ctx = dataclasses.replace(self.world.controller(), forge=self._forge, notifier=self._notifier)
        self.ledger = self.ctx.ledger
        self.ledger.register(
            Registration("shop", "https://github.com/acme/shop.git", "shipway.yaml", "main", "", "ada", 1.0)
        )
        add_webhook(self.ctx, "shop", "github", address)
        set_token(self.ctx, "shop", TOKEN)
        add_notification(self.ctx, "ops", url=APPRISE)
        self.messenger = Messenger(self.ctx, URL)

    def _forge(self, kind: str, access: ForgeAccess) -> MemoryForge:
        self.accesses.append(access)
        return self.forge

    def _notifier(self, kind: str, access: NotifierAccess) -> MemoryNotifier:
        self.accesses.append(access)
        return self.notifier

    def deliver(self, later: float = 0.0) -> None:
        """What is due, after some seconds."""
        self.world.now += later
        self.messenger.once(60)

    def begin_run(self, commit: str = COMMIT, ref: str = "refs/heads/feature", kind: str = "push") -> int:
        return self.ledger.begin_run("shop", commit, "tree", Trigger(kind, ref, "ada@example.org"), self.ledger.now())

    def run(self, outcome: str, commit: str = COMMIT, ref: str = "refs/heads/feature") -> int:
        number = self.begin_run(commit, ref)
        self.ledger.end_run(number, outcome, self.ledger.now())
        return number

    def pull(self, number: int = 7, commit: str = COMMIT, action: str = OPENED) -> None:
        """A pull request with the commit."""
        made = PullRequest(
            Hosted(NAME), number, action, commit, "feature", NAME, False, "main", Person("1"), "A title", ""
        )  # type: ignore[arg-type]
        self.forge.pull_requests[NAME, commit] = [made]

    def statuses(self, commit: str = COMMIT) -> dict[str, Status]:
        return self.forge.kept_statuses.get((NAME, commit), {})

    @property
    def said(self) -> str:
        """All that the log, the ledger and whoever looks at it say."""
        return "\n".join(
            [*self.world.notes, *map(repr, self.ledger.messages(limit=1000)), *map(repr, self.ledger.news())]
        )
