"""Backups on a schedule: which is due, and their state for `status`."""

from __future__ import annotations

from functools import partial

from shipway.actions.backups.take import backup
from shipway.actions.environment.locks import is_held
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Backup, Backups, due
from shipway.domain.errors import LeaseHeld
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment
from shipway.system.cron import times_before
from shipway.system.durations import moment
from shipway.system.parallel import attempt_all


def take_due(ctx: Context, app: str | None = None) -> list[Backup]:
    """Take all that are due, one after another. Errors of an environment don't stop the others, and are raised together at
    the end; the ledger has them too."""
    made: list[Backup] = []
    apps = [app] if app else ctx.ledger.apps()
    places = [(each, environment) for each in apps for environment in ctx.ledger.environments(each)]
    attempt_all(*(partial(_take, ctx, *place, made) for place in places))
    return made


def _take(ctx: Context, app: str, environment: str, made: list[Backup]) -> None:
    now, found = ctx.ledger.now(), settings_of(ctx, app, environment)
    if found is None:
        return
    current, settings = found
    if settings.at is None:
        return
    backups = ctx.ledger.backups(app, environment)
    at = due(times_before(settings.at, settings.zone, now), backups, began(current), now)
    busy = [names.scope(app, environment), names.backups_lock(app, environment)]
    if at is None or any(is_held(ctx.ledger.lease(name), now) for name in busy):
        return  # of a deployment: the next call takes it
    try:
        record = backup(ctx, app, environment, "", due=at)
    except LeaseHeld as error:
        ctx.reporter.note(f"{app}/{environment}: the backup of {moment(at, now)} waits: {error}")
        return
    ctx.reporter.note(f"{app}/{environment}: backup {record.name}, due at {moment(at, now)}: {record.state}")
    made.append(record)


def settings_of(ctx: Context, app: str, environment: str) -> tuple[Deployment, Backups] | None:
    """Those of the current release, with its deployment; None without any."""
    current = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, current.release) if current else None
    where: Environment | None = release.plan.environments.get(environment) if release else None
    return (current, where.backups) if current and where and where.backups else None


def began(current: Deployment) -> float:
    """When the current settings took effect, at the latest."""
    return current.finished or current.started
