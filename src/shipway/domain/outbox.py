"""What others are told: forges and people. News wait in the ledger until they are turned into messages, and messages until
they are delivered."""

from __future__ import annotations

from dataclasses import field

from shipway.domain import event
from shipway.domain.permissions import ALL
from shipway.domain.value import dataclass

# Kinds of news. The number of one is that of the run, the deployment, the release, the attempt for a certificate, the backup.
RUN, DEPLOYMENT = event.RUN, event.DEPLOYMENT
APPROVAL, RETIRED, CERTIFICATE, BACKUP = "approval", "retired", "certificate", "backup"
UNCHANGED = "unchanged"  # a commit was not run; its detail is the commit and why
OUTSIDE = "outside"  # the same of one from another repository
PULL = "pull"  # a pull request was opened or changed; its detail is its commit
ENDED = "ended"  # one was closed or merged; its detail is its commit, which of both, and, if it is so, OUTSIDE

# Of what people can be told.
DEPLOYED, FAILED, ROLLED_BACK, RUN_FAILED, TEST = "deployed", "failed", "rolled-back", "run-failed", "test"
EVENTS = {
    DEPLOYED: "A release was deployed",
    FAILED: "A deployment or a rollback failed",
    ROLLED_BACK: "An environment was rolled back",
    APPROVAL: "A release waits for approval",
    RETIRED: "The standby of the previous release has ended",
    CERTIFICATE: "A certificate could not be obtained or renewed",
    BACKUP: "A backup failed, or its copy is damaged",
    RUN_FAILED: "A run of the pipeline failed",
}
TROUBLE = (FAILED, RUN_FAILED, CERTIFICATE, BACKUP)

APPRISE, COMMAND = "apprise", "command"  # kinds of notifications
NOTIFICATIONS = "@notifications/urls"  # scope of the stored secrets, by name; no app has this name

# How a message ended; while it waits, it has no outcome.
DELIVERED, GIVEN_UP, DROPPED = "delivered", "given up", "dropped"

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0  # seconds until the next attempt
REFUSED_PAUSE = 300.0  # seconds, at least, where only a person can help
PATIENCE = 86400.0  # seconds after which a message is given up


@dataclass(frozen=True)
class News:
    """Something happened of which others may want to know. environment: empty for a run."""

    kind: str
    app: str
    environment: str
    number: int
    detail: str = ""
    at: float = 0.0  # seconds since the epoch by the ledger's clock, as all times here
    id: int = 0  # its place, which is assigned when it is added


@dataclass(frozen=True)
class Message:
    """What one receiver is to be told. A newer one of the same topic replaces it: of each, only the newest state counts."""

    channel: str  # the receiver: `webhook NAME` or `notification NAME`
    topic: str  # what it is about
    rank: int  # increases with every state of the topic
    message: str  # JSON
    added: float = 0.0
    id: int = 0
    attempts: int = 0
    due: float = 0.0  # of the next attempt
    token: int = 0  # increases with every claim, and fences the previous one
    until: float = 0.0  # end of the claim
    problem: str = ""  # of the last attempt
    ended: float | None = None
    outcome: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is still to be delivered."""
        return self.ended is None


@dataclass(frozen=True)
class Notification:
    """People are told of these events, in this app and environment or in all."""

    name: str
    kind: str  # apprise or command
    command: tuple[str, ...]  # empty for Apprise, whose URL is a secret
    events: tuple[str, ...]
    actor: str  # who added it
    app: str = ALL
    environment: str = ALL
    created: float = field(default=0.0)

    def wants(self, event: str, app: str, environment: str) -> bool:
        """Whether it is told of that. A run belongs to no environment."""
        here = self.environment in (ALL, environment) or not environment
        return event in self.events and self.app in (ALL, app) and here


@dataclass(frozen=True)
class Notice:
    """What people are told. url: of the page with more; empty if that is not known."""

    event: str
    app: str  # present names
    environment: str  # empty: none
    title: str  # one line
    text: str
    at: float
    url: str = ""

    @property
    def trouble(self) -> bool:
        """Whether somebody should look."""
        return self.event in TROUBLE


def of_webhook(name: str) -> str:
    """The channel of a webhook."""
    return f"webhook {name}"


def of_notification(name: str) -> str:
    """The channel of a notification."""
    return f"notification {name}"


def pause(attempts: int, *, refused: bool = False, asked: float = 0.0) -> float:
    """Seconds until the next attempt, after so many. asked: by the receiver."""
    grown = min(FIRST_PAUSE * 2.0 ** min(attempts, 20), LONGEST_PAUSE)
    return max(grown, min(asked, PATIENCE), REFUSED_PAUSE if refused else 0.0)
