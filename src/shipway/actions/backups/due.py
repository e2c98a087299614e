"""Backups on a schedule: which is due, and their state for `status`."""

from __future__ import annotations

from shipway.actions.backups.take import backup
from shipway.actions.environment.everywhere import everywhere
from shipway.actions.environment.locks import is_held
from shipway.actions.schedules.live import live, runs_here
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Backup, due
from shipway.domain.errors import LeaseHeld
from shipway.system.cron import times_before
from shipway.system.durations import moment


def take_due(ctx: Context, app: str | None = None) -> list[Backup]:
    """Take all that are due, one after another. Errors of an environment don't stop the others, and are raised together at
    the end; the ledger has them too."""
    made: list[Backup] = []
    everywhere(ctx, app, lambda app, environment: _take(ctx, app, environment, made))
    return made


def _take(ctx: Context, app: str, environment: str, made: list[Backup]) -> None:
    now, here = ctx.ledger.now(), live(ctx, app, environment)
    settings = here.place.backups if here else None
    if here is None or settings is None or settings.at is None:
        return
    since = here.deployment.finished or here.deployment.started
    at = due(times_before(settings.at, settings.zone, now), ctx.ledger.backups(app, environment), since, now)
    busy = [names.scope(app, environment), names.backups_lock(app, environment)]
    if at is None or any(is_held(ctx.ledger.lease(name), now) for name in busy):
        return  # of a deployment: the next call takes it
    if not runs_here(ctx.on(here.host), app, environment):
        return  # on another machine that shares the ledger
    try:
        record = backup(ctx, app, environment, "", due=at)
    except LeaseHeld as error:
        ctx.reporter.note(f"{app}/{environment}: the backup of {moment(at, now)} waits: {error}")
        return
    ctx.reporter.note(f"{app}/{environment}: backup {record.name}, due at {moment(at, now)}: {record.state}")
    made.append(record)
