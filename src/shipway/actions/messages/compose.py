"""Turn news into messages: what is said is read from the ledger at that moment, so that the order of news does not matter."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from shipway.actions.messages import notices, statuses
from shipway.actions.messages.comment import comment, ended, waiting
from shipway.context import Context
from shipway.domain.errors import StoreError
from shipway.domain.outbox import DEPLOYMENT, ENDED, OUTSIDE, PULL, RUN, Message, News, of_notification, of_webhook
from shipway.domain.preview import is_reserved
from shipway.domain.refs import HEADS
from shipway.domain.run import RunRecord
from shipway.domain.webhook import PULLS, Webhook
from shipway.system.addresses import identity

LATEST = 200  # runs among which one of a commit is looked for
PROGRESS = 1 << 30  # states of a run whose comment changes


def compose(ctx: Context) -> None:
    """Do it for all news. One that can't be turned into a message is reported and forgotten: it must not stop those behind
    it."""
    while found := ctx.ledger.news():
        for item in found:
            try:
                for message in messages_of(ctx, item):
                    ctx.ledger.tell(message)
            except StoreError:
                raise
            except Exception as error:
                ctx.reporter.note(f"no message tells of {item.kind} {item.number} of {item.app}: {error}")
            ctx.ledger.forget_news(item.id)


def messages_of(ctx: Context, news: News) -> Iterator[Message]:
    """What each receiver is to be told."""
    yield from _to_people(ctx, news)
    webhooks = _webhooks(ctx, news.app)
    if not webhooks:
        return
    if news.kind in (OUTSIDE, ENDED):
        yield from (_outside if news.kind == OUTSIDE else _ended)(ctx, news, webhooks)
        return
    run = _run(ctx, news)
    if run is not None and (run.trigger.kind == statuses.STEP):
        return  # a part of the pipeline says nothing of a commit
    status = statuses.of(ctx, news, run)
    said = comment(ctx, run) if run is not None else None
    for webhook in webhooks:
        channel = of_webhook(webhook.name)
        if status is not None:
            yield Message(channel, f"status {status.commit} {status.context}", status.rank, _text(status.data()))
        if run is not None and said is not None:
            rank = run.number * PROGRESS + news.id % PROGRESS
            yield Message(channel, f"comment {run.app} {run.trigger.ref}", rank, _text(said))


def _outside(ctx: Context, news: News, webhooks: list[Webhook]) -> Iterator[Message]:
    """That its checks wait for a member's word, unless its commit was run."""
    runs = ctx.ledger.runs(news.app, LATEST)
    newest = runs[0].number if runs else 0
    for webhook in webhooks:
        ref = PULLS[webhook.forge].format(news.number) if webhook.forge in PULLS else ""
        if ref and not any(item.trigger.ref == ref and item.revision.startswith(news.detail) for item in runs):
            said = waiting(ctx, news.app, news.number, news.detail)
            rank = newest * PROGRESS + news.id % PROGRESS
            yield Message(of_webhook(webhook.name), f"comment {news.app} {ref}", rank, _text(said))


def _ended(ctx: Context, news: News, webhooks: list[Webhook]) -> Iterator[Message]:
    """That it was closed or merged, above what its comment said; nothing if it had none."""
    head, _, how = news.detail.partition(" ")
    runs = ctx.ledger.runs(news.app, LATEST)
    newest = runs[0].number if runs else 0
    for webhook in webhooks:
        ref = PULLS[webhook.forge].format(news.number) if webhook.forge in PULLS else ""
        run = next(
            (item for item in runs if _has(item, head) or (item.trigger.ref == ref and item.revision.startswith(head))),
            None,
        )
        said = (
            comment(ctx, run)
            if run is not None
            else waiting(ctx, news.app, news.number, head)
            if OUTSIDE in how
            else None
        )
        if said is not None:
            rank = newest * PROGRESS + news.id % PROGRESS
            yield Message(
                of_webhook(webhook.name),
                f"comment {news.app} {ref or news.number}",
                rank,
                _text(ended(said, news.number, how)),
            )


def _to_people(ctx: Context, news: News) -> Iterator[Message]:
    if is_reserved(news.environment):
        return  # of a preview, the pull request's comment tells
    receivers = ctx.ledger.notifications()
    notice = notices.of(ctx, news) if receivers else None
    if notice is None:
        return
    for receiver in receivers:
        if receiver.wants(notice.event, news.app, news.environment):
            yield Message(of_notification(receiver.name), notice.topic, notice.rank, _text(notice.data()))


def _webhooks(ctx: Context, app: str) -> list[Webhook]:
    """Those with a token whose repository the app is bound to."""
    known = {item.webhook for item in ctx.ledger.forge_tokens()}
    if not known:
        return []
    return [item for item in ctx.ledger.webhooks() if item.name in known and is_of(ctx, item, app)]


def is_of(ctx: Context, webhook: Webhook, app: str) -> bool:
    """Whether the app is bound to the webhook's repository."""
    found = ctx.ledger.registration(app)
    if found is None:
        return False
    return identity(webhook.address) in map(identity, found.addresses)


def _run(ctx: Context, news: News) -> RunRecord | None:
    """The run that the news are about, or that made the deployed release."""
    if news.kind == RUN:
        return ctx.ledger.run(news.app, news.number)
    if news.kind == DEPLOYMENT:
        deployment = ctx.ledger.deployment(news.app, news.environment, news.number)
        release = ctx.ledger.release(news.app, deployment.release) if deployment else None
        return ctx.ledger.run(news.app, release.run) if release else None
    if news.kind == PULL:  # it was opened after its commit was run
        runs = ctx.ledger.runs(news.app, LATEST)
        return next((item for item in runs if _has(item, news.detail)), None)
    return None


def _has(run: RunRecord, head: str) -> bool:
    """Whether it is a run of that commit, of which some forges tell only the beginning, on a branch."""
    return run.revision.startswith(head) and run.trigger.ref.startswith(HEADS) and run.trigger.kind != statuses.STEP


def _text(data: Mapping[str, object]) -> str:
    return json.dumps(data)
