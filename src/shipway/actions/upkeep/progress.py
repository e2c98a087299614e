"""What is in progress, and waiting for its end."""

from __future__ import annotations

from shipway.actions.environment.locks import CARETAKER, is_held
from shipway.actions.runs.resume import orphaned
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import DeployFailed, Interrupted, ShipwayError, StepFailed, TimedOut, UsageError
from shipway.domain.release import CANCELLED, SUCCEEDED, SUPERSEDED, Deployment, Lease
from shipway.domain.run import RunRecord
from shipway.domain.value import dataclass

POLL = 0.5  # seconds between looks


@dataclass(frozen=True)
class Work:
    """A process's work, or that of one that died."""

    what: str  # an environment, or `run NUMBER`
    reason: str  # such as deploy of release 3
    who: str
    since: float
    alive: bool


def in_progress(ctx: Context, app: str) -> list[Work]:
    """All runs and all work on environments that have not ended."""
    found = [
        Work(f"run {run.number}", f"pipeline of {run.revision[:12]}", run.trigger.actor, run.started, not orphaned(ctx, run))
        for run in ctx.ledger.pending_runs(app)
    ]  # fmt: skip
    for name in ctx.ledger.environments(app):
        lease, pending = worker(ctx, app, name), ctx.ledger.pending(app, name)
        if lease is not None:
            found.append(Work(name, lease.reason, lease.who, lease.since, True))
        elif pending:
            found.append(Work(name, describe(pending[0]), pending[0].actor, pending[0].started, False))
    return found


def worker(ctx: Context, app: str, environment: str) -> Lease | None:
    """The lock of a process that works on an environment; None without one. The background clean-up doesn't count."""
    lease = ctx.ledger.lease(names.scope(app, environment))
    held = lease is not None and is_held(lease, ctx.ledger.now()) and not lease.owner.startswith(f"{CARETAKER} ")
    return lease if held else None


def wait_environment(
    ctx: Context, app: str, environment: str, timeout: float, release: int | None = None
) -> Deployment:
    """Wait until nothing is in progress there, and with `release` until that one was deployed; returns its newest
    deployment. TimedOut after `timeout` seconds; DeployFailed or Interrupted if that failed or was cancelled."""
    deadline = ctx.clock() + timeout
    while True:
        lease, pending = worker(ctx, app, environment), ctx.ledger.pending(app, environment)
        latest = _latest(ctx, app, environment, release)
        if lease is None and pending:
            raise DeployFailed(
                f"the {describe(pending[0])} to {environment} is unfinished: its process died",
                hint=f"`shipway doctor {environment} --fix` completes it or rolls it back",
            )
        if lease is None and latest is not None and latest.finished is not None:
            return _succeeded(latest)
        if lease is None and release is None:
            raise UsageError(f"nothing was deployed to {environment} yet, and nothing is in progress there")
        what = f"{lease.reason}, by {lease.who}" if lease else f"release {release} was not deployed there yet"
        _pause(ctx, deadline, f"{environment} after {timeout:g} s: {what}")


def wait_run(ctx: Context, app: str, number: int, timeout: float) -> RunRecord:
    """Wait until a run has ended. TimedOut after `timeout` seconds; StepFailed or Interrupted if it failed, was cancelled,
    or if its process died."""
    deadline = ctx.clock() + timeout
    while True:
        run = find_run(ctx, app, number)
        if run.finished is not None:
            break
        if orphaned(ctx, run):
            raise StepFailed(
                f"run {number} is unfinished: its process died",
                hint=f"`shipway run {run.revision[:12]}` resumes it; `shipway cancel {number}` cleans it up",
            )
        _pause(ctx, deadline, f"run {number} after {timeout:g} s")
    if run.outcome == SUCCEEDED:
        return run
    if run.outcome == CANCELLED:
        raise Interrupted(f"run {number} was cancelled")
    failed = [step for step in ctx.ledger.steps(number) if step.outcome not in (SUCCEEDED, "skipped")]
    listed = "\n".join(f"  {step.name}: {step.failure or step.outcome}" for step in failed)
    raise StepFailed(
        f"run {number} failed" + (f":\n{listed}" if listed else ""), hint=f"logs: HOME/logs/{app}/{number}"
    )


def find_run(ctx: Context, app: str, number: int) -> RunRecord:
    """The app's run with that number. UsageError if there is none."""
    found = ctx.ledger.run(app, number)
    if found is None:
        raise UsageError(f"{app} has no run {number}", hint="`shipway cancel` lists what is in progress")
    return found


def describe(deployment: Deployment) -> str:
    """Such as `rollback of release 3`."""
    return f"{deployment.kind} of release {deployment.release}"


def _latest(ctx: Context, app: str, environment: str, release: int | None) -> Deployment | None:
    if release is None:
        return ctx.ledger.latest(app, environment)
    return next(iter(ctx.ledger.deployments_of(app, environment, release)), None)


def _succeeded(latest: Deployment) -> Deployment:
    if latest.outcome == SUCCEEDED:
        return latest
    text = f"the {describe(latest)} to {latest.environment}"
    if latest.outcome in (CANCELLED, SUPERSEDED):
        raise Interrupted(f"{text} was {latest.outcome}" + (f": {latest.detail}" if latest.detail else ""))
    failed: ShipwayError = DeployFailed(f"{text} failed: {latest.detail}", hint="the previous release is serving")
    raise failed


def _pause(ctx: Context, deadline: float, what: str) -> None:
    if ctx.clock() >= deadline:
        raise TimedOut(f"still waiting for {what}", hint="it goes on; pass a longer --timeout")
    ctx.cancelled.wait(POLL)
    if ctx.cancelled.is_set():
        raise Interrupted("interrupted while waiting; what it waited for goes on")
