"""The schedules of an environment with their next and last runs, for display."""

from __future__ import annotations

from shipway.actions.schedules.live import due
from shipway.actions.schedules.run_now import require_live, schedule_of
from shipway.context import Context
from shipway.domain.scheduled_run import ScheduledRun
from shipway.domain.tasks import Schedule
from shipway.domain.value import dataclass
from shipway.system.cron import times_after


@dataclass(frozen=True)
class Overview:
    """One schedule."""

    schedule: Schedule
    next: float | None  # seconds since the epoch
    overdue: float | None  # due time of a run that no controller has started
    runs: tuple[ScheduledRun, ...]  # newest first


def overview(ctx: Context, app: str, environment: str, name: str | None = None, limit: int = 10) -> list[Overview]:
    """All schedules of the live release, in the plan's order; or one. UsageError if it has no such schedule."""
    here, now = require_live(ctx, app, environment), ctx.ledger.now()
    chosen = (schedule_of(here, name),) if name else here.schedules
    found = []
    for item in chosen:
        waiting = due(ctx, here, item, now)
        following = next(times_after(item.at, item.zone, now), None)
        runs = ctx.ledger.scheduled_runs(app, environment, item.name, limit)
        found.append(Overview(item, following, waiting.at if waiting else None, tuple(runs)))
    return found
