"""What people are told of news, in words."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain.outbox import (
    APPROVAL,
    BACKUP,
    CERTIFICATE,
    DEPLOYED,
    DEPLOYMENT,
    FAILED,
    RETIRED,
    ROLLED_BACK,
    RUN,
    RUN_FAILED,
    News,
)
from shipway.domain.refs import short_name
from shipway.domain.release import DEPLOY, RESTORE, ROLLBACK, SUCCEEDED
from shipway.domain.release import FAILED as NOT_DEPLOYED
from shipway.domain.value import dataclass
from shipway.system.durations import human

LONGEST = 2000  # characters of a reason


@dataclass(frozen=True)
class Told:
    """A notice as a message has it. topic, rank: people are told once of each."""

    event: str
    topic: str
    title: str
    text: str
    app: str  # present names
    environment: str
    path: str  # of the page with more
    at: float
    rank: int = 1

    def data(self) -> dict[str, object]:
        """As a message has it."""
        fields = ("event", "title", "text", "app", "environment", "path", "at")
        return {"kind": "notice", **{name: getattr(self, name) for name in fields}}


def of(ctx: Context, news: News) -> Told | None:
    """None: it is nothing that people are told of."""
    app, shown = ctx.names.shown(news.app), ctx.names.shown(news.app, news.environment)
    where, topic = f"{app}/{shown}", f"{news.kind} {news.number}"
    detail = news.detail[:LONGEST]
    if news.kind == DEPLOYMENT:
        return _deployment(ctx, news, app, shown)
    if news.kind == RUN:
        return _run(ctx, news, app)
    if news.kind == APPROVAL:
        title = f"{where}: release {news.number} waits for approval"
        text = f"{detail}\nshipway approve {shown} r{news.number} --app {app}"
        topic = f"approval of {news.app}/{news.environment} {news.number}"
        return Told(APPROVAL, topic, title, text, app, shown, f"/apps/{app}", news.at, _change(ctx, news))
    if news.kind == RETIRED:
        title = f"{where}: the standby of release {news.number} has ended"
        text = "It was stopped: a rollback to it starts it again first."
        topic = f"standby of {news.app}/{news.environment} {news.number}"  # its parts may end one after another
        return Told(RETIRED, topic, title, text, app, shown, f"/apps/{app}", news.at, _change(ctx, news))
    if news.kind == CERTIFICATE:
        title = f"{where}: the certificate could not be obtained"
        return Told(CERTIFICATE, topic, title, detail, app, shown, f"/apps/{app}", news.at)
    if news.kind == BACKUP:
        title = f"{where}: a backup failed, or its stored copy is damaged"
        return Told(BACKUP, topic, title, detail, app, shown, f"/apps/{app}", news.at)
    return None


def _change(ctx: Context, news: News) -> int:
    """The rank of what is told once between two deployments."""
    latest = ctx.ledger.latest(news.app, news.environment)
    return 1 + (latest.id if latest else 0)


def _deployment(ctx: Context, news: News, app: str, shown: str) -> Told | None:
    item = ctx.ledger.deployment(news.app, news.environment, news.number)
    if item is None or item.finished is None:
        return None
    outcomes = {
        (DEPLOY, SUCCEEDED): (DEPLOYED, f"release {item.release} was deployed"),
        (ROLLBACK, SUCCEEDED): (ROLLED_BACK, f"it was rolled back to release {item.release}"),
        (DEPLOY, NOT_DEPLOYED): (FAILED, f"the deployment of release {item.release} failed"),
        (ROLLBACK, NOT_DEPLOYED): (FAILED, f"the rollback to release {item.release} failed"),
        (RESTORE, NOT_DEPLOYED): (FAILED, "the restore of the database failed"),
    }
    found = outcomes.get((item.kind, item.outcome))
    if found is None:
        return None
    event, what = found
    lines = [item.reason, f"by {item.actor}, after {human(item.finished - item.started)}", item.detail[:LONGEST]]
    path = f"/apps/{app}/deployments/{shown}/{item.id}"
    text = "\n".join(line for line in lines if line)
    return Told(event, f"deployment {item.id}", f"{app}/{shown}: {what}", text, app, shown, path, item.finished)


def _run(ctx: Context, news: News, app: str) -> Told | None:
    run = ctx.ledger.run(news.app, news.number)
    if run is None or run.finished is None or run.outcome != NOT_DEPLOYED:
        return None
    failed = [step for step in ctx.ledger.steps(run.number) if step.outcome == NOT_DEPLOYED]
    what = f": {', '.join(step.name for step in failed)}" if failed else ""
    title = f"{app}: run {run.number} of {short_name(run.trigger.ref)} failed{what}"
    text = "\n".join(
        [f"{run.revision[:12]}, by {run.trigger.actor}", *(step.failure for step in failed if step.failure)]
    )
    return Told(
        RUN_FAILED, f"run {run.number}", title, text[:LONGEST], app, "", f"/apps/{app}/runs/{run.number}", run.finished
    )  # fmt: skip
