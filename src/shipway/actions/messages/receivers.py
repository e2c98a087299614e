"""Who is told: tokens for the forges of webhooks, and notifications for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from shipway.actions.messages.deliver import Messenger
from shipway.actions.people.permitted import recorded, scope_of
from shipway.context import Context
from shipway.domain.errors import NotifyError, UsageError, unknown_name
from shipway.domain.operation import NOTIFY, WEBHOOK
from shipway.domain.outbox import (
    APPRISE,
    COMMAND,
    DELIVERED,
    EVENTS,
    GIVEN_UP,
    NOTIFICATIONS,
    TEST,
    Notice,
    Notification,
    of_notification,
    of_webhook,
)
from shipway.domain.permissions import ALL
from shipway.domain.value import dataclass
from shipway.domain.webhook import API, LOCAL, PUBLIC, TOKENS, ForgeToken, Webhook
from shipway.planfile.values import NAME_PATTERN, NAME_WORDS
from shipway.ports import NotifierAccess
from shipway.system.addresses import identity

SHOWN = 1000  # messages that are counted


@dataclass(frozen=True)
class Deliveries:
    """How far a receiver was told. last: when something was delivered; None: not within 90 days."""

    waiting: int
    given_up: int
    last: float | None
    problem: str  # of the last attempt of what waits, or of what was given up last


@dataclass(frozen=True)
class NotificationState:
    """A notification, and how far people were told."""

    notification: Notification
    deliveries: Deliveries


def notification_states(ctx: Context) -> list[NotificationState]:
    """All of them."""
    found = ctx.ledger.notifications()
    return [NotificationState(item, deliveries(ctx, of_notification(item.name))) for item in found]


def set_token(ctx: Context, name: str, token: str, endpoint: str = "", user: str = "") -> ForgeToken:
    """The token with which the forge of a webhook is told. endpoint: the address of its API; empty: as the forge usually has
    it. UsageError if there is no such webhook, or the token can't be one."""
    webhook = _webhook(ctx, name)
    if not re.fullmatch(r"[!-~]+", token):
        raise UsageError("that is no token: it is empty, or has a space or a line break", hint="pass it on stdin")
    ctx.redactor.add({"forge token": token})
    made = ForgeToken(name, _endpoint(webhook, endpoint), user, ctx.actor, ctx.ledger.now())
    with recorded(ctx, None, WEBHOOK, name, f"token for {made.endpoint or webhook.forge}"):
        ctx.secrets.set(TOKENS, name, token)
        ctx.ledger.set_forge_token(made)
        ctx.ledger.wake(of_webhook(name))
    return made


def remove_token(ctx: Context, name: str) -> None:
    """From now on, its forge is told nothing. UsageError if there is none."""
    if not any(item.webhook == name for item in ctx.ledger.forge_tokens()):
        raise UsageError(f"the webhook {name} has no token")
    with recorded(ctx, None, WEBHOOK, name, "remove the token"):
        forget_token(ctx, name)


def forget_token(ctx: Context, name: str) -> None:
    """Remove it if there is one, with what waits."""
    ctx.ledger.remove_forge_token(name)
    ctx.secrets.remove(TOKENS, name)
    ctx.ledger.drop(of_webhook(name))


def add_notification(
    ctx: Context, name: str, *, url: str = "", command: Sequence[str] = (), events: Sequence[str] = (), app: str = ALL,
    environment: str = ALL,
) -> Notification:  # fmt: skip
    """Tell people of these events [all] from now on. url: of Apprise. UsageError, NotifyError."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} can't be the name of a notification", hint=NAME_WORDS)
    if bool(url) == bool(command):
        raise UsageError("a notification has either a URL or a command")
    ctx.redactor.add({"notification URL": url})
    if unknown := [item for item in events if item not in EVENTS]:
        raise UsageError(f"there is no event {unknown[0]!r}", hint=f"there are: {', '.join(EVENTS)}")
    kind = COMMAND if command else APPRISE
    wanted = tuple(dict.fromkeys(events)) or tuple(EVENTS)
    where = scope_of(ctx, app, environment)
    made = Notification(name, kind, tuple(command), wanted, ctx.actor, *where, ctx.ledger.now())
    assert ctx.notifier is not None
    ctx.notifier(kind, NotifierAccess(url, made.command)).check()
    taken = UsageError(f"there is a notification {name}", hint=f"`shipway notify remove {name}` removes it")
    if any(item.name == name for item in ctx.ledger.notifications()):
        raise taken
    detail = f"add {name}: {' '.join(command) or 'by Apprise'}, {', '.join(wanted)}"
    with recorded(ctx, None, NOTIFY, name, detail, *where):
        if url:
            ctx.secrets.set(NOTIFICATIONS, name, url)
        if not ctx.ledger.add_notification(made):
            raise taken
    return made


def remove_notification(ctx: Context, name: str) -> None:
    """From now on, it tells nothing. UsageError if there is none."""
    _notification(ctx, name)
    with recorded(ctx, None, NOTIFY, name, f"remove {name}"):
        ctx.ledger.remove_notification(name)
        ctx.secrets.remove(NOTIFICATIONS, name)
        ctx.ledger.drop(of_notification(name))


def send_test(ctx: Context, name: str, url: str = "") -> None:
    """Send one now, past all that waits. NotifyError if that fails."""
    found = _notification(ctx, name)
    secret = "" if found.command else ctx.secrets.get(NOTIFICATIONS, name)
    if secret is None:
        raise NotifyError(f"the URL of {name} is missing here", hint="remove the notification, and add it again")
    notice = Notice(TEST, "", "", "Shipway: this is a test", f"The notification {name} works.", ctx.ledger.now(), url)
    assert ctx.notifier is not None
    ctx.notifier(found.kind, NotifierAccess(secret, found.command)).send(notice)
    ctx.ledger.wake(of_notification(name))


def deliveries(ctx: Context, channel: str) -> Deliveries:
    """How far it was told."""
    found = ctx.ledger.messages(channel, SHOWN)
    waiting = [item for item in found if item.waits]
    lost = [item for item in found if item.outcome == GIVEN_UP]
    problem = next((item.problem for item in [*waiting, *lost] if item.problem), "")
    last = max((item.ended for item in found if item.outcome == DELIVERED and item.ended), default=None)
    return Deliveries(len(waiting), len(lost), last, problem)


def deliver_at_end(ctx: Context, seconds: float) -> None:
    """Deliver what this command has caused, where no server does it. Fails nothing."""
    if ctx.forge is not None and ctx.ledger.news(1):
        Messenger(ctx, timeout=5.0).once(seconds)


def deliver_due(ctx: Context, seconds: float) -> None:
    """The same, and what could not be delivered before."""
    Messenger(ctx).once(seconds)


def _webhook(ctx: Context, name: str) -> Webhook:
    found = {item.name: item for item in ctx.ledger.webhooks()}
    if name not in found:
        raise unknown_name("webhook", name, found)
    return found[name]


def _notification(ctx: Context, name: str) -> Notification:
    found = {item.name: item for item in ctx.ledger.notifications()}
    if name not in found:
        raise unknown_name("notification", name, found)
    return found[name]


def _endpoint(webhook: Webhook, given: str) -> str:
    """The address of the API; empty: the forge's public one. UsageError if the token would go there without encryption."""
    if not given and webhook.address.startswith("file:"):
        raise UsageError(f"{webhook.address} is at no forge", hint="pass the address of its API: --api https://…")
    host = identity(webhook.address).partition("/")[0].rpartition("@")[2]
    if not given:
        if host == PUBLIC.get(webhook.forge):
            return ""
        if webhook.forge not in API:
            raise UsageError(
                f"{host} is not {PUBLIC[webhook.forge]}",
                hint="if the API of that forge is elsewhere, pass its address: --api https://…",
            )
        port = "" if webhook.address.startswith("ssh:") else host.partition(":")[1] + host.partition(":")[2]
        return f"https://{host.partition(':')[0]}{port}{API[webhook.forge]}"
    parts = urlsplit(given)
    if parts.username is not None or parts.query or parts.fragment or not parts.hostname:
        raise UsageError(f"{given!r} is no address of an API", hint="such as https://git.example.com/api/v1")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise UsageError(f"the token would go to {parts.hostname} without encryption", hint="pass an https:// address")
    return given.rstrip("/")
