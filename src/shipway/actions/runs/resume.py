"""Runs whose process died: one of the same commit is resumed, all others are cleaned up."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from shipway.actions.environment.locks import TTL, environment_lease, is_held
from shipway.actions.runs.clean_up import clean_up
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_ROLE, LABEL_RUN
from shipway.domain.errors import EngineError, LeaseHeld
from shipway.domain.release import CANCELLED, PENDING, Commit, Lease, Trigger
from shipway.domain.run import RunRecord
from shipway.domain.value import dataclass
from shipway.steps.resume import ResumeState, scratch
from shipway.system.alive import is_gone

LATEST = 50  # runs whose folder may still be here


@dataclass(frozen=True)
class OrphanedRun:
    """An orphaned run, which its process can't finalize."""

    app: str
    number: int
    revision: str
    lease: Lease | None  # as its process left it; None if that ended before taking it
    outside: bool = False  # whether its commit is none of the app's repository

    def __str__(self) -> str:
        if self.lease is None:
            return f"run {self.number}: its process died"
        process = self.lease.who.rpartition("(")[2].rstrip(")")
        return f"run {self.number}: {process} {'died' if is_gone(self.lease.owner) else 'has lost its lock'}"


@contextmanager
def open_run(ctx: Context, commit: Commit, app: str, trigger: Trigger) -> Iterator[tuple[Context, int, ResumeState]]:
    """Open a run of the commit under its own lock: a context that rejects changes once the lock is lost, the run's
    number, and leftovers of a process that died."""
    mine = None
    for dead in _find(ctx, app):
        if mine is None and (dead.revision, dead.outside) == (commit.revision, trigger.outside):
            mine = dead
        else:
            clear(ctx, dead)
    with ExitStack() as stack:
        own = stack.enter_context(_taken_over(ctx, mine)) if mine else None
        if mine and own:
            resumed = _resume_state(own, mine)
            ctx.reporter.note(f"{mine}; resuming it: {resumed}")
            yield own, mine.number, resumed
        else:
            number = ctx.ledger.begin_run(app, commit.revision, commit.tree, trigger, ctx.ledger.now())
            yield stack.enter_context(_lease(ctx, app, number)), number, ResumeState()


def _find(ctx: Context, app: str) -> list[OrphanedRun]:
    """All orphaned runs, newest first."""
    pending = ctx.ledger.pending_runs(app)
    for number in _finalized_elsewhere(ctx, app, {run.number for run in pending}):
        _remove(ctx, app, number)
    return [dead for run in pending if (dead := orphaned(ctx, run))]


def _finalized_elsewhere(ctx: Context, app: str, pending: set[int]) -> list[int]:
    """Runs that died here and were finalized on another machine."""
    if not any((ctx.home / "runs").glob("*")):
        return []
    ended = {run.number for run in ctx.ledger.runs(app, LATEST)} - pending
    return [number for number in sorted(ended) if scratch(ctx.home, number).exists()]


def _is_dead(ctx: Context, run: RunRecord, lease: Lease | None) -> bool:
    if lease is None:  # taken as soon as it has a number
        return ctx.ledger.now() > run.started + TTL
    return not is_held(lease, ctx.ledger.now())


def orphaned(ctx: Context, run: RunRecord) -> OrphanedRun | None:
    """The pending run, if its process is gone or has lost its lock; None if that works on."""
    lease = ctx.ledger.lease(names.scope(run.app, scope(run.number)))
    if not _is_dead(ctx, run, lease):
        return None
    return OrphanedRun(run.app, run.number, run.revision, lease, run.trigger.outside)


def clear(ctx: Context, dead: OrphanedRun) -> None:
    """Finalize it as cancelled, and remove its leftovers. If the engine is unreachable, it stays pending, which is
    noted."""
    with _taken_over(ctx, dead) as own:
        if own is None:
            return
        ctx.reporter.note(f"{dead}; cleaning it up")
        if not _remove(own, dead.app, dead.number):
            return
        for step in own.ledger.steps(dead.number):
            if step.outcome == PENDING:
                own.ledger.end_step(dead.number, step.name, CANCELLED, ctx.clock())
        own.ledger.end_run(dead.number, CANCELLED, ctx.clock())


def _remove(ctx: Context, app: str, number: int) -> bool:
    """Remove its leftovers, first on the engine. A failure is reported, but does not prevent another run."""
    try:
        clean_up(ctx, app, number)
    except EngineError as error:
        ctx.reporter.note(f"leftovers of run {number} remain until the next run: {error.message}")
        return False
    shutil.rmtree(scratch(ctx.home, number), ignore_errors=True)
    return True


@contextmanager
def _taken_over(ctx: Context, dead: OrphanedRun) -> Iterator[Context | None]:
    """A context under its lock; None if another process was faster."""
    if dead.lease:
        ctx.ledger.free(dead.lease)  # it may be valid for some more seconds
    with ExitStack() as stack:
        own = None
        try:
            own = stack.enter_context(_lease(ctx, dead.app, dead.number))
        except LeaseHeld:
            pass  # by a process that resumes it or cleans it up
        if own and dead.number not in {run.number for run in ctx.ledger.pending_runs(dead.app)}:
            own = None  # finalized meanwhile
            stack.close()
        yield own


def _lease(ctx: Context, app: str, number: int) -> AbstractContextManager[Context]:
    return environment_lease(ctx, app, scope(number), "pipeline")


def scope(number: int) -> str:
    """Instead of an environment's name, which can't contain a slash."""
    return f"run/{number}"


def _resume_state(ctx: Context, dead: OrphanedRun) -> ResumeState:
    labels = {LABEL_APP: dead.app, LABEL_RUN: str(dead.number), LABEL_ROLE: "step"}
    journal = {step.name: step for step in ctx.ledger.steps(dead.number)}
    return ResumeState(journal, ctx.runtime.list(labels))
