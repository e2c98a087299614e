"""What a run or a deployment printed, on any machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shipway.actions.environment.recording import recorded_events
from shipway.actions.runs.resume import orphaned
from shipway.actions.upkeep.progress import describe, find_run, worker
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.event import DEPLOYMENT, RUN, Event, Subject
from shipway.domain.release import PENDING, Deployment
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class RecordedOutput:
    """Of one run or deployment. end: how it ended, or that it hasn't; going: whether a process works on it."""

    subject: Subject
    title: str
    going: Callable[[], bool]
    end: Callable[[], str]

    def events(self, ctx: Context, *, follow: bool) -> Iterator[Event]:
        """All that is kept; follow: and what comes until it has ended. Interrupted if that is cancelled."""
        return recorded_events(ctx, self.subject, going=self.going if follow else lambda: False)


def of_run(ctx: Context, app: str, number: int) -> RecordedOutput:
    """UsageError if there is no such run."""
    run = find_run(ctx, app, number)
    title = f"run {number}: {run.revision[:12]}, {run.trigger.ref} by {run.trigger.actor}"

    def going() -> bool:
        now = find_run(ctx, app, number)
        return now.finished is None and not orphaned(ctx, now)

    def end() -> str:
        return _end(f"run {number}", find_run(ctx, app, number).outcome, "", going=going())

    return RecordedOutput(Subject(RUN, app, number), title, going, end)


def of_deployment(ctx: Context, app: str, environment: str, id: int | None) -> RecordedOutput:
    """The newest one, or that of an id. UsageError if there is none."""
    first = _find(ctx, app, environment, id)
    shown = ctx.names.shown(app, environment)
    title = f"deployment {first.id}: {describe(first)} to {shown} by {first.actor}"

    def now() -> Deployment:
        return _find(ctx, app, environment, first.id)

    def going() -> bool:
        return now().outcome == PENDING and worker(ctx, app, environment) is not None

    def end() -> str:
        found = now()
        return _end(f"deployment {first.id}", found.outcome, found.detail, going=going())

    return RecordedOutput(Subject(DEPLOYMENT, app, first.id), title, going, end)


def _find(ctx: Context, app: str, environment: str, id: int | None) -> Deployment:
    found = ctx.ledger.latest(app, environment) if id is None else ctx.ledger.deployment(app, environment, id)
    if found is None:
        which = f"no deployment {id}" if id is not None else "no deployment yet"
        raise UsageError(
            f"{ctx.names.shown(app, environment)} has {which}", hint="`shipway history` lists them, with their ids"
        )
    return found


def _end(what: str, outcome: str, detail: str, *, going: bool) -> str:
    if outcome == PENDING:
        return f"{what} is in progress" if going else f"{what} is unfinished: its process died"
    return f"{what} {outcome}" + (f": {detail}" if detail else "")
