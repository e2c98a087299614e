"""Repeat a run that failed, as a new one: its log stays, and steps that passed are not repeated."""

from __future__ import annotations

from shipway.actions.runs.resume import orphaned
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.release import CANCELLED, FAILED, PENDING
from shipway.domain.run import RunRecord
from shipway.domain.webhook import pull_of


def run_to_retry(ctx: Context, app: str, number: int | None) -> RunRecord:
    """The app's run with that number; None: the newest. UsageError if it doesn't exist, has not ended, or succeeded."""
    run = next(iter(ctx.ledger.runs(app, 1)), None) if number is None else ctx.ledger.run(app, number)
    if run is None:
        raise UsageError(f"{app} has no run {number or 'yet'}", hint="`shipway run` starts one")
    if run.trigger.outside:  # with what the team's own runs have, it may do nothing
        again = f"shipway run {run.revision} --pull-request {pull_of(run.trigger.ref) or 'NUMBER'}"
        raise UsageError(
            f"run {run.number} checked a pull request from another repository",
            hint=f"repeat it as one: {again}; or name another run",
        )
    if run.outcome == PENDING:
        if orphaned(ctx, run):
            raise UsageError(
                f"run {run.number} did not fail: its process died", hint=f"`shipway run {run.revision[:12]}` resumes it"
            )
        raise UsageError(f"run {run.number} is in progress", hint=f"`shipway wait {run.number}` waits for its end")
    if run.outcome not in (FAILED, CANCELLED):
        raise UsageError(f"run {run.number} {run.outcome}: there is nothing to repeat")
    return run


def repeated(ctx: Context, run: RunRecord) -> str:
    """What is repeated, in one line."""
    steps = ctx.ledger.steps(run.number)
    failed = ", ".join(step.name for step in steps if not step.passed)
    passed = ", ".join(step.name for step in steps if step.passed)
    parts = [f"{failed} and what needs it" if failed else "all that had not begun"]
    parts += [f"{passed} passed, and is only repeated if its inputs differ" if passed else ""]
    return f"repeating run {run.number} of {run.revision[:12]}: {'; '.join(filter(None, parts))}"
