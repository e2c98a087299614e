"""Verify the newest good backup again on a schedule: what was whole when it was stored may be damaged since."""

from __future__ import annotations

import json

from shipway.actions.backups.verify import verify
from shipway.actions.environment.everywhere import everywhere
from shipway.actions.environment.locks import is_held
from shipway.actions.schedules.live import live, runs_here
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Backup, Recheck, last_good
from shipway.domain.errors import Damaged, Interrupted, LeaseHeld, NotStored, ShipwayError, StoreError
from shipway.domain.record import from_data, to_data


def rechecked(ctx: Context, app: str, environment: str) -> Recheck:
    """The last attempt, as recorded."""
    found = ctx.ledger.property(_name(app, environment))
    return from_data(Recheck, json.loads(found)) if found else Recheck()


def _name(app: str, environment: str) -> str:
    return f"recheck {names.scope(app, environment)}"


def verify_due(ctx: Context, app: str | None = None) -> list[Backup]:
    """Verify what is due in all environments, one after another. Errors of one don't stop the others, and are raised together
    at the end; the ledger has them too."""
    done: list[Backup] = []
    everywhere(ctx, app, lambda app, environment: _verify(ctx, app, environment, done))
    return done


def _verify(ctx: Context, app: str, environment: str, done: list[Backup]) -> None:
    now, here = ctx.ledger.now(), live(ctx, app, environment)
    settings = here.place.backups if here else None
    if here is None or settings is None or settings.verify_every is None:
        return
    found = last_good(item for item in ctx.ledger.backups(app, environment) if item.store == settings.to)
    if found is None or not rechecked(ctx, app, environment).due(found, settings.verify_every, now):
        return
    if is_held(ctx.ledger.lease(names.backups_lock(app, environment)), now):
        return  # of a backup: the next call does it
    if not runs_here(ctx.on(here.host), app, environment):
        return
    ctx.ledger.replace_property(_name(app, environment), json.dumps(to_data(Recheck(now))))  # also if it dies
    try:
        made = verify(ctx, app, environment, found.name, None)
    except LeaseHeld as error:
        ctx.reporter.note(f"{app}/{environment}: the verification of {found.name} waits: {error}")
        return
    except (Interrupted, StoreError):
        raise
    except ShipwayError as error:
        if not isinstance(error, (Damaged, NotStored)):  # which the backup's own record says
            failed = Recheck(now, f"{found.name} could not be verified again: {ctx.redactor.text(error.message)}")
            ctx.ledger.replace_property(_name(app, environment), json.dumps(to_data(failed)))
        error.within(f"{app}/{environment}: verification of {found.name}")
        raise
    ctx.reporter.note(f"{app}/{environment}: backup {made.name} is {made.state}: {made.how}")
    done.append(made)
