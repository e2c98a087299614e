"""Webhooks: add and remove them, and queue what they tell."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime

from shipway.actions.environment.locks import held
from shipway.actions.messages.compose import is_of
from shipway.actions.messages.news import report
from shipway.actions.messages.receivers import Deliveries, deliveries, forget_token
from shipway.actions.runs.queue import enqueue_remote
from shipway.context import Context
from shipway.domain import preview
from shipway.domain.errors import OtherRepository, Overtaken, SecretError, UsageError, unknown_name
from shipway.domain.forge import CLOSED, MERGED, OPENED, UPDATED, Delivery, Hosted, PullRequest, Pushed, Tagged
from shipway.domain.operation import WEBHOOK, Operation
from shipway.domain.outbox import ENDED, OUTSIDE, PULL, of_webhook
from shipway.domain.permissions import ALL
from shipway.domain.preview import OPEN, Preview
from shipway.domain.queue import ZEROS, Push
from shipway.domain.refs import HEADS, TAGS
from shipway.domain.value import dataclass
from shipway.domain.webhook import FORGES, SCOPE, ForgeToken, Received, Webhook
from shipway.planfile.values import NAME_PATTERN, NAME_WORDS
from shipway.ports import Forge
from shipway.system.addresses import identity, require_remote
from shipway.system.git.login import masked
from shipway.system.login import login

KEPT = 30 * 86400.0  # seconds for which requests about pull requests are known; what happened before is not heeded
PATIENCE = 5.0  # seconds for another request about the same pull request


@dataclass(frozen=True)
class NewWebhook:
    """A webhook with its secret, which is shown once."""

    webhook: Webhook
    secret: str = field(repr=False)


@dataclass(frozen=True)
class WebhookState:
    """A webhook, the token with which its forge is told, and how far it was."""

    webhook: Webhook
    token: ForgeToken | None  # without the token itself; None: it is told nothing
    deliveries: Deliveries


def add_webhook(ctx: Context, name: str, forge: str, address: str, secret: str = "") -> NewWebhook:
    """A webhook for the repository at that address. secret: by default a new one. UsageError if there is one of that name."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} can't be the name of a webhook", hint=NAME_WORDS)
    if forge not in FORGES:
        raise UsageError(f"there is no forge {forge!r}", hint=f"there are: {', '.join(FORGES)}")
    require_remote(address)
    secret = secret or secrets.token_urlsafe(32)
    ctx.redactor.add({"webhook secret": secret})
    if any(item.name == name for item in ctx.ledger.webhooks()):
        raise UsageError(f"there is already a webhook {name}", hint=f"`shipway webhook remove {name}` removes it")
    made = Webhook(name, forge, address, ctx.actor, ctx.ledger.now())
    with_secret = ctx.secrets.set(SCOPE, name, secret)  # before it: a webhook without a secret takes nothing
    _record(ctx, f"add {name}: {forge} {masked(address)}, secret version {with_secret}")
    if not ctx.ledger.add_webhook(made):
        raise UsageError(f"there is already a webhook {name}", hint=f"`shipway webhook remove {name}` removes it")
    return NewWebhook(made, secret)


def webhook_states(ctx: Context) -> list[WebhookState]:
    """All webhooks, without a login in their address, and how far their forges were told."""
    tokens = {item.webhook: item for item in ctx.ledger.forge_tokens()}
    return [
        WebhookState(
            replace(item, address=masked(item.address)), tokens.get(item.name), deliveries(ctx, of_webhook(item.name))
        )
        for item in ctx.ledger.webhooks()
    ]


def remove_webhook(ctx: Context, name: str) -> None:
    """From now on, its requests are refused. UsageError if there is none."""
    _record(ctx, f"remove {name}")
    if not ctx.ledger.remove_webhook(name):
        raise unknown_name("webhook", name, (item.name for item in ctx.ledger.webhooks()))
    ctx.secrets.remove(SCOPE, name)
    forget_token(ctx, name)


def receive(ctx: Context, webhook: Webhook, forge: Forge, headers: Mapping[str, str], body: bytes) -> list[Push]:
    """Queue the pushes that a request tells of, and return them. The same request again adds nothing. Forged, Unreadable,
    OtherRepository, Overtaken, SecretError, LeaseHeld."""
    secret = ctx.secrets.get(SCOPE, webhook.name)
    if secret is None:
        raise SecretError(f"the webhook {webhook.name} has no secret", hint="remove it, and add it again")
    delivery = forge.receive(headers, body, secret)
    _require_its_own(webhook, delivery)
    queued = [_queued(ctx, webhook, delivery, event) for event in delivery.events if isinstance(event, Pushed | Tagged)]
    for event in delivery.events:
        if isinstance(event, PullRequest):
            lock = f"@{SCOPE}/{webhook.name}/{event.number}"  # requests that come at once follow each other
            with held(ctx, lock, f"pull request {event.number}", wait=PATIENCE):
                _heed(ctx, webhook, delivery.digest, event)
    return queued


def forget_received(ctx: Context) -> None:
    """Those about which nothing that is heeded can come any more."""
    ctx.ledger.forget_received(ctx.ledger.now() - KEPT)


def _heed(ctx: Context, webhook: Webhook, digest: str, event: PullRequest) -> None:
    """Unless it was, or something newer is known: who recorded "opened" can't undo what was told since, and requests can overtake
    each other."""
    known = ctx.ledger.received(webhook.name, event.number)
    if any(item.digest == digest for item in known):
        return
    if event.at and event.at < ctx.ledger.now() - KEPT:
        raise Overtaken(f"what it tells of pull request {event.number} is of {_time(event.at)}, more than 30 days ago")
    newest = max((item.told for item in known), default=0.0)
    if event.at and event.at < newest:
        raise Overtaken(
            f"what it tells of pull request {event.number} is of {_time(event.at)}, and something newer is known, of {_time(newest)}"
        )
    _proposed(ctx, webhook, event)
    # Last: if this process dies, the forge sends it again.
    ctx.ledger.add_received(Received(webhook.name, digest, event.number, event.at, 0.0))


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _require_its_own(webhook: Webhook, delivery: Delivery) -> None:
    """OtherRepository if the request tells of another one: a forge can send what happens in all repositories of an organization to
    one address, and their numbers of pull requests are the same."""
    own = identity(webhook.address).casefold()
    if own.startswith(("path:", "file:")):
        return  # a repository of this machine, of which no forge knows
    for event in delivery.events:
        hosted = getattr(event, "repository", None)
        if hosted is not None and not _is_at(own, hosted):
            raise OtherRepository(
                f"the webhook {webhook.name} is for {masked(webhook.address)}, and this request tells of {hosted.full_name}",
                hint=f"if {hosted.full_name} has an app here: shipway webhook add NAME --forge {webhook.forge} --address ADDRESS",
            )


def _is_at(own: str, hosted: Hosted) -> bool:
    """Whether a repository has this address. One of another host may be a mirror's, or the name of a host in ssh's settings: then
    the repository's name says it."""
    known = [identity(item).casefold() for item in (hosted.https, hosted.ssh) if item]
    if own in known:
        return True
    elsewhere = all(item.partition("/")[0] != own.partition("/")[0] for item in known)
    return elsewhere and f"/{own}".endswith(f"/{hosted.full_name}".casefold())


def _proposed(ctx: Context, webhook: Webhook, event: PullRequest) -> None:
    """Its commits were run when they were pushed: the comment with that is due now, and so is its preview, if the protected plan
    has previews. Those from another repository wait for a member's word, which the comment says, and get no preview. It also
    says that a pull request was closed or merged."""
    if not event.head or event.action not in (OPENED, UPDATED, CLOSED, MERGED):
        return
    stands = event.action in (OPENED, UPDATED)
    kind, detail = OUTSIDE if event.outside else PULL, event.head
    if not stands:
        kind, detail = ENDED, " ".join([event.head, event.action, *([OUTSIDE] if event.outside else [])])
    for app in ctx.ledger.apps():
        if not is_of(ctx, webhook, app):
            continue
        if stands and not event.outside:
            who = f"webhook {webhook.name}"
            ctx.ledger.want_preview(Preview(app, event.number, event.branch, event.head, OPEN, who, 0.0))
        else:
            _unproposed(ctx, webhook, app, event)
        report(ctx, kind, app, "", event.number, detail)


def _unproposed(ctx: Context, webhook: Webhook, app: str, event: PullRequest) -> None:
    """Nothing of its preview is to stay, if it has one."""
    for known in ctx.ledger.previews(app):
        if known.number == event.number and known.wanted != preview.CLOSED:
            why = (
                "its commits come from another repository" if event.outside else f"the pull request was {event.action}"
            )
            ctx.ledger.want_preview(replace(known, wanted=preview.CLOSED, actor=f"webhook {webhook.name}", reason=why))


def _queued(ctx: Context, webhook: Webhook, delivery: Delivery, event: Pushed | Tagged) -> Push:
    ref = f"{TAGS}{event.tag}" if isinstance(event, Tagged) else f"{HEADS}{event.branch}"
    new = (event.commit or event.after) if isinstance(event, Tagged) else event.after
    via = f"webhook {webhook.name} of {webhook.forge}, by {event.pusher.name or 'somebody'}"
    # By the body and not by the delivery's number, which forges don't sign.
    return enqueue_remote(ctx, webhook.address, event.before or ZEROS, new, ref, via=via, delivery=delivery.digest)


def _record(ctx: Context, detail: str) -> None:
    at = ctx.clock()
    record = Operation(0, ALL, ALL, 0, WEBHOOK, "", ctx.actor, login(), detail, at)
    ctx.ledger.end_operation(ctx.ledger.begin_operation(record), ctx.clock(), 0)
