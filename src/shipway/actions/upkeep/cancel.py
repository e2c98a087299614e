"""Cancel a run or the work on an environment, in whatever process it is; clean up after one that died."""

from __future__ import annotations

from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.cancellation import request_cancel
from shipway.actions.runs.resume import clear, orphaned, scope
from shipway.actions.runs.waiting import cancel_waiting
from shipway.actions.upkeep.progress import POLL, describe, find_run, in_progress, worker
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import EngineError, Interrupted, TimedOut, UsageError
from shipway.domain.release import PENDING, SUCCEEDED, Deployment
from shipway.domain.waiting import Waiting


def cancel_run(ctx: Context, app: str, number: int, reason: str, *, timeout: float) -> str:
    """Cancel a run, and wait until it has ended and is cleaned up; returns its outcome. UsageError if it has ended
    already, TimedOut after `timeout` seconds: then it is still requested."""
    run = find_run(ctx, app, number)
    if run.outcome != PENDING:
        busy = [f"`shipway cancel {item.what}` cancels the {item.reason}" for item in in_progress(ctx, app)]
        raise UsageError(f"run {number} has ended: {run.outcome}", hint="; ".join(busy))
    deadline, asked = ctx.clock() + timeout, 0
    while (run := find_run(ctx, app, number)).outcome == PENDING:
        lease = ctx.ledger.lease(names.scope(app, scope(number)))
        dead = orphaned(ctx, run)
        if dead is not None:
            clear(ctx, dead)
            if find_run(ctx, app, number).outcome == PENDING and orphaned(ctx, run):
                raise EngineError(
                    f"run {number} is not cleaned up yet", hint="repeat the command once the engine is reachable"
                )
        elif lease is not None and lease.token != asked:
            request_cancel(ctx, lease, reason)
            asked = lease.token
        _pause(ctx, deadline, f"run {number}")
    return run.outcome


def cancel_environment(ctx: Context, app: str, environment: str, reason: str, *, timeout: float) -> Deployment | None:
    """Cancel what is in progress on an environment, and wait until it is rolled back; returns the deployment, None if
    other work ended. A dead process's deployment is completed or rolled back, as by the next command. UsageError if
    nothing is in progress, TimedOut after `timeout` seconds: then it is still requested."""
    lease, pending = worker(ctx, app, environment), ctx.ledger.pending(app, environment)
    if lease is None and not pending:
        busy = ", ".join(item.what for item in in_progress(ctx, app))
        hint = f"in progress: {busy}" if busy else "`shipway status` shows what runs"
        raise UsageError(f"nothing is in progress on {environment}", hint=hint)
    deadline = ctx.clock() + timeout
    if lease is not None:
        request_cancel(ctx, lease, reason)
        while (now := worker(ctx, app, environment)) is not None and now.token == lease.token:
            pending = ctx.ledger.pending(app, environment) or pending
            _pause(ctx, deadline, f"the {lease.reason} on {environment}, by {lease.who}")
    mine = pending[0] if pending else None
    if mine is not None and any(item.id == mine.id for item in ctx.ledger.pending(app, environment)):
        with exclusive_access(ctx, app, environment, reason or "cancel", wait=max(0.0, deadline - ctx.clock())):
            pass  # it recovers what the other process left
    return None if mine is None else _again(ctx, mine)


def cancel_waiting_there(ctx: Context, app: str, environment: str, reason: str) -> Waiting | None:
    """Drop the deployment that waits there, unless other work is in progress there. Returns it; None: nothing was dropped.
    One whose deployment has begun: that is to be cancelled too."""
    found = ctx.ledger.waiting(app, environment)
    if found is None or (not found.begun and (worker(ctx, app, environment) or ctx.ledger.pending(app, environment))):
        return None
    return found if cancel_waiting(ctx, found, reason) else None


def refuse_too_late(deployment: Deployment) -> None:
    """UsageError if it succeeded nevertheless."""
    if deployment.outcome == SUCCEEDED:
        raise UsageError(
            f"the {describe(deployment)} to {deployment.environment} was complete before it could be cancelled",
            hint=f"`shipway rollback {deployment.environment}` restores the previous release",
        )


def _again(ctx: Context, deployment: Deployment) -> Deployment:
    app, environment = deployment.app, deployment.environment
    found = [ctx.ledger.latest(app, environment), *ctx.ledger.deployments_of(app, environment, deployment.release)]
    return next((item for item in found if item is not None and item.id == deployment.id), deployment)


def _pause(ctx: Context, deadline: float, what: str) -> None:
    if ctx.clock() >= deadline:
        raise TimedOut(f"{what} has not stopped yet; it was requested", hint="repeat the command, or pass --timeout")
    ctx.cancelled.wait(POLL)
    if ctx.cancelled.is_set():
        raise Interrupted("interrupted; the cancellation was requested nevertheless")
