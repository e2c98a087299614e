"""Run a job on a schedule now, and follow it to its end."""

from __future__ import annotations

import dataclasses
import threading

from shipway.actions.environment.locks import fenced
from shipway.actions.environment.ownership import require_owned
from shipway.actions.schedules.container import collect, name_of, start
from shipway.actions.schedules.live import Live, live, refuse_in_cluster, unsafe
from shipway.actions.schedules.tick import WAIT, new_run
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import EngineError, Interrupted, UsageError
from shipway.domain.release import CANCELLED, PENDING
from shipway.domain.scheduled_run import ScheduledRun
from shipway.domain.tasks import ALLOW, Schedule
from shipway.system.durations import moment
from shipway.system.redact import Lines

POLL = 2.0  # seconds between checks
REST = 10.0  # seconds to wait for the rest of its output


def run_now(ctx: Context, app: str, environment: str, name: str, reason: str = "") -> ScheduledRun:
    """Run it, whatever its times are, and return the run with its outcome. Its output is reported. It isn't retried.
    UsageError if there is no such schedule, or an earlier run would overlap."""
    here = require_live(ctx, app, environment)
    schedule = schedule_of(here, name)
    refuse_in_cluster(here, schedule)
    with fenced(ctx, names.schedules_lock(app, environment), f"run of {name}", wait=WAIT) as own:
        running = [item for item in own.ledger.pending_scheduled(app, environment) if item.schedule == name]
        if running and schedule.overlap != ALLOW:
            raise UsageError(
                f"{name} is running since {moment(running[0].began or running[0].created, own.ledger.now())}",
                hint="wait until it has ended: `shipway tick` records that",
            )
        if kind := unsafe(own, app, environment):
            raise UsageError(f"no job starts before the {kind} of {environment} has ended")
        host = own.on(here.host)
        require_owned(host, app, environment)
        now = own.ledger.now()
        run = new_run(own, here, schedule, now, reason=reason or "requested")
        number = own.ledger.claim_scheduled(run)
        assert number is not None
        run = start(host, dataclasses.replace(run, id=number))
    return _follow(ctx, ctx.on(here.host), run)


def require_live(ctx: Context, app: str, environment: str) -> Live:
    """UsageError if nothing is deployed there."""
    here = live(ctx, app, environment)
    if here is None:
        raise UsageError(f"nothing is deployed to {environment}", hint=f"shipway deploy {environment}")
    return here


def schedule_of(here: Live, name: str) -> Schedule:
    """UsageError if the live release has no such schedule."""
    found = here.place.schedules.get(name)
    if found is None:
        known = ", ".join(here.place.schedules) or "none"
        raise UsageError(
            f"release {here.release.number}, which runs in {here.place.name}, has no schedule {name!r}",
            hint=f"it has: {known}",
        )
    return found


def _follow(ctx: Context, host: Context, run: ScheduledRun) -> ScheduledRun:
    """Report its output until it has ended; another controller may record that first. An interrupt stops it."""
    output = threading.Thread(target=_report, args=(host, run), daemon=True)
    output.start()
    try:
        while run.outcome == PENDING:
            try:
                host.runtime.wait(name_of(run), POLL)
                output.join(REST)
            except TimeoutError:
                if ctx.cancelled.is_set():
                    raise Interrupted("interrupted") from None
            except EngineError:
                if (recorded := _recorded(ctx, run)).outcome != PENDING:
                    return recorded
                raise
            run = collect(host, run)
    except (Interrupted, KeyboardInterrupt):
        ctx.cancelled.clear()
        host.runtime.remove(name_of(run))
        now, detail = ctx.ledger.now(), f"interrupted by {ctx.actor}"
        ctx.ledger.end_scheduled(dataclasses.replace(run, outcome=CANCELLED, finished=now, detail=detail))
        raise
    if not ctx.ledger.end_scheduled(run):
        return _recorded(ctx, run)
    host.runtime.remove(name_of(run))
    return run


def _report(host: Context, run: ScheduledRun) -> None:
    masked = Lines(host.redactor)
    try:
        for line in host.runtime.logs(name_of(run), follow=True):
            host.reporter.line(run.schedule, masked.line(line))
    except EngineError:  # another controller has removed the container; the ledger has the last lines
        pass


def _recorded(ctx: Context, run: ScheduledRun) -> ScheduledRun:
    found = ctx.ledger.scheduled_runs(run.app, run.environment, run.schedule)
    return next(item for item in found if item.id == run.id)
