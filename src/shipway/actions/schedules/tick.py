"""Start what is due, and record what has ended: once a minute, from any number of machines that share a ledger."""

from __future__ import annotations

import dataclasses
from functools import partial

from shipway.actions.environment.everywhere import everywhere
from shipway.actions.environment.locks import fenced, is_held
from shipway.actions.environment.ownership import require_owned
from shipway.actions.schedules.container import collect, name_of, start, timeout_of
from shipway.actions.schedules.live import Live, due, live, runs_here, unsafe
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_ROLE
from shipway.domain.count import counted
from shipway.domain.errors import ShipwayError, UsageError
from shipway.domain.release import FAILED, PENDING, SKIPPED
from shipway.domain.scheduled_run import LOST, MOST, ScheduledRun
from shipway.domain.tasks import ALLOW, QUEUE, Schedule
from shipway.system.durations import human, moment
from shipway.system.parallel import attempt_all

LATE = 120.0  # seconds after its due time from which a start is reported as late
WAIT = 30.0  # seconds to wait for another controller that was faster by a moment


def tick(ctx: Context, app: str | None = None) -> list[ScheduledRun]:
    """Work on the schedules of all environments, or of one app's. Returns the runs that have failed and are not
    retried. Errors of an environment don't stop the others, and are raised together at the end. UsageError for an app
    that the ledger doesn't have: a crontab with a wrong name would run nothing, silently."""
    failed: list[ScheduledRun] = []
    if app is not None and app not in ctx.ledger.apps():
        raise UsageError(f"the ledger has no app {app!r}", hint=f"it has: {', '.join(ctx.ledger.apps()) or 'none'}")
    everywhere(ctx, app, lambda app, environment: _environment(ctx, app, environment, failed))
    return failed


def _environment(ctx: Context, app: str, environment: str, failed: list[ScheduledRun]) -> None:
    here, now = live(ctx, app, environment), ctx.ledger.now()
    waiting = here is not None and any(due(ctx, here, item, now) for item in here.schedules)
    if not waiting and not ctx.ledger.pending_scheduled(app, environment):
        return
    lock = names.schedules_lock(app, environment)
    if is_held(ctx.ledger.lease(lock), now):  # by another controller, which does all that is due
        return
    with fenced(ctx, lock, "jobs on a schedule", wait=WAIT) as own:
        _Environment(own, app, environment, failed).work()


class _Environment:
    """The schedules of an environment, under their lock."""

    def __init__(self, ctx: Context, app: str, environment: str, failed: list[ScheduledRun]) -> None:
        self.ctx, self.app, self.name, self.failed = ctx, app, environment, failed
        self.live = live(ctx, app, environment)

    def work(self) -> None:
        """Collect first, so that a job whose last run has ended isn't skipped."""
        before = self.ctx.ledger.pending_scheduled(self.app, self.name)
        for run in before:
            if run.began is None:
                self.ctx.reporter.note(f"{label(run)}: {run.actor} claimed it, but did not start it")
        kind = unsafe(self.ctx, self.app, self.name)
        if kind:
            self.ctx.reporter.note(f"{self.app}/{self.name}: no job starts before the {kind} has ended")
        starting = () if kind else (self._claim, self._start)
        attempt_all(*(partial(self._collect, run) for run in before), *starting, self._clean_up)

    def _collect(self, run: ScheduledRun) -> None:
        gone = self._gone(run)
        if gone:
            return self._end(dataclasses.replace(run, outcome=LOST, finished=self.ctx.ledger.now(), detail=gone))
        if run.began is None or not self._runs_on(run.host):
            return
        now = collect(self.ctx.on(run.host), run)
        if now.outcome != PENDING:
            self._end(now)
            self.ctx.on(run.host).runtime.remove(name_of(run))

    def _gone(self, run: ScheduledRun) -> str:
        """Why no controller will see its end; empty if one will. Otherwise later runs would wait for it, or be skipped."""
        if self.live is None:
            return f"{self.name} was destroyed"
        hosts = [host.name for host in self.live.place.hosts]
        return "" if run.host in hosts else f"{run.host} is no host of {self.name} anymore"

    def _end(self, run: ScheduledRun) -> None:
        again = self._next_attempt(run)
        if not self.ctx.ledger.end_scheduled(run, again):
            return
        if run.badly and not again:
            self.failed.append(run)
        took = f" after {human(run.finished - run.began)}" if run.finished and run.began else ""
        why = f": {run.detail}" if run.detail else ""
        retry = f"; attempt {again.attempt + 1} follows" if again else ""
        self.ctx.reporter.note(f"{label(run)}: {run.outcome}{took}{why}{retry}")
        for line in run.log.splitlines() if run.badly else ():
            self.ctx.reporter.line(run.schedule, line)

    def _next_attempt(self, run: ScheduledRun) -> ScheduledRun | None:
        """None if it needs none, or a person started it."""
        schedule = self.live.place.schedules.get(run.schedule) if self.live else None
        if self.live is None or schedule is None or not run.badly or run.reason or run.attempt >= schedule.retries:
            return None
        return new_run(self.ctx, self.live, schedule, run.due, attempt=run.attempt + 1)

    def _claim(self) -> None:
        if self.live is not None:
            attempt_all(*(partial(self._claim_due, self.live, schedule) for schedule in self.live.schedules))

    def _claim_due(self, here: Live, schedule: Schedule) -> None:
        now = self.ctx.ledger.now()
        found = due(self.ctx, here, schedule, now)
        if found is None:
            return
        if not self._runs_on(here.host):
            if now - found.at > LATE:
                what = f"{self.app}/{self.name} {schedule.name}: due at {moment(found.at, now)}, but not started"
                self.ctx.reporter.note(f"{what}: {here.host}, as seen from here, has no container of {self.name}")
            return
        running = self._running(schedule)
        if running and schedule.overlap == QUEUE:
            return
        run = new_run(self.ctx, here, schedule, found.at)
        run = dataclasses.replace(run, missed=found.missed, missed_since=found.missed_since)
        if running and schedule.overlap != ALLOW:
            detail = f"the run of {moment(running[0].due, now)} was still running"
            run = dataclasses.replace(run, outcome=SKIPPED, finished=run.created, detail=detail)
        if self.ctx.ledger.claim_scheduled(run) is not None:
            self._report_claim(run)

    def _running(self, schedule: Schedule) -> list[ScheduledRun]:
        return [run for run in self.ctx.ledger.pending_scheduled(self.app, self.name) if run.schedule == schedule.name]

    def _report_claim(self, run: ScheduledRun) -> None:
        if run.outcome == SKIPPED:
            self.ctx.reporter.note(f"{label(run)}: skipped, since {run.detail}")
        elif run.created - run.due > LATE:
            self.ctx.reporter.note(f"{label(run)}: {human(run.created - run.due)} late")
        if run.missed:
            count = f"{MOST} or more earlier runs" if run.missed >= MOST else counted(run.missed, "earlier run")
            since = moment(run.missed_since or 0.0, run.created)
            self.ctx.reporter.note(
                f"{label(run)}: {count} missed since {since}; this run is the only one for all of them"
            )

    def _start(self) -> None:
        """Start what is claimed, by this controller or by one that died. An error leaves it to the next one, until the
        job's time is over: then it has failed."""
        claimed = [run for run in self.ctx.ledger.pending_scheduled(self.app, self.name) if run.began is None]
        attempt_all(*(partial(self._start_one, run) for run in claimed if self._runs_on(run.host)))

    def _start_one(self, run: ScheduledRun) -> None:
        host = self.ctx.on(run.host)
        require_owned(host, self.app, self.name)
        try:
            now = start(host, run)
        except ShipwayError as error:
            if self.ctx.ledger.now() - run.created < timeout_of(host, run):
                raise
            now = dataclasses.replace(
                run, outcome=FAILED, finished=self.ctx.ledger.now(), detail=f"not started: {error.message}"
            )
        if now.outcome == PENDING:
            self.ctx.reporter.note(f"{label(run)}: started on {run.host}, in the image of release {run.release}")
            return
        self._end(now)
        host.runtime.remove(name_of(run))

    def _runs_on(self, host: str) -> bool:
        return runs_here(self.ctx.on(host), self.app, self.name)

    def _clean_up(self) -> None:
        """Remove containers whose result was recorded by a controller that died right after."""
        if self.live is None:
            return
        host = self.ctx.on(self.live.host)
        kept = {name_of(run) for run in self.ctx.ledger.pending_scheduled(self.app, self.name)}
        labels = {LABEL_APP: self.app, LABEL_ENVIRONMENT: self.name, LABEL_ROLE: "schedule"}
        found = [item.name for item in host.runtime.list(labels) if item.name not in kept]
        attempt_all(*(partial(host.runtime.remove, name) for name in found))


def new_run(
    ctx: Context, here: Live, schedule: Schedule, at: float, *, attempt: int = 0, reason: str = ""
) -> ScheduledRun:
    """A run of the live release that isn't claimed yet."""
    return ScheduledRun(
        0, here.release.app, here.place.name, schedule.name, at, attempt, here.release.number, here.host, ctx.actor,
        reason, ctx.ledger.now(),
    )  # fmt: skip


def label(run: ScheduledRun) -> str:
    """Names a run in messages."""
    attempt = f", attempt {run.attempt + 1}" if run.attempt else ""
    return f"{run.app}/{run.environment} {run.schedule} of {moment(run.due, run.created)}{attempt}"
