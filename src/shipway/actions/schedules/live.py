"""The live release of an environment, its schedules, and which of them is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shipway.context import Context
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_ROLE
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment
from shipway.domain.platform import context_and_namespace, in_cluster
from shipway.domain.release import DESTROY, RESTORE, SUCCEEDED, Deployment, Release
from shipway.domain.scheduled_run import Due, newest_due
from shipway.domain.tasks import Schedule
from shipway.domain.value import dataclass
from shipway.system.cron import times_before


@dataclass(frozen=True)
class Live:
    """What an environment runs."""

    deployment: Deployment
    release: Release
    place: Environment

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """In the plan's order."""
        return tuple(self.place.schedules.values())

    @property
    def host(self) -> str:
        """Name of the host where its jobs run."""
        return self.place.hosts[0].name


def live(ctx: Context, app: str, environment: str) -> Live | None:
    """None if nothing is deployed there."""
    current = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, current.release) if current else None
    place = release.plan.environments.get(environment) if release else None
    return Live(current, release, place) if current and release and place else None


def due(ctx: Context, here: Live, schedule: Schedule, now: float) -> Due | None:
    """The run of a schedule that is due and that no controller has claimed. now: by the ledger's clock. None in a cluster, which
    starts all of them itself."""
    if in_cluster(here.host):
        return None
    last = ctx.ledger.last_due(here.release.app, here.place.name, schedule.name, now) or 0.0
    return newest_due(times_before(schedule.at, schedule.zone, now), last, _valid(ctx, here, schedule))


def _valid(ctx: Context, here: Live, schedule: Schedule) -> Callable[[float], bool]:
    """Whether the schedule, with its times as they are, held at a time: no run is missed before it was deployed."""
    app, name = here.release.app, here.place.name

    def starts() -> Iterator[float]:
        """When deployments with this schedule took effect, newest first, without a gap."""
        for deployment in ctx.ledger.history(app, name):
            if deployment.outcome != SUCCEEDED:
                continue
            release = here.release if deployment.release == here.release.number else None
            release = release or ctx.ledger.release(app, deployment.release)
            place = release.plan.environments.get(name) if release else None
            then = place.schedules.get(schedule.name) if place else None
            if then is None or (then.at, then.zone) != (schedule.at, schedule.zone):
                return
            yield deployment.finished or deployment.started

    since, known = starts(), float("inf")

    def valid(at: float) -> bool:
        nonlocal known
        while known > at:
            found = next(since, None)
            if found is None:
                return False
            known = found
        return True

    return valid


def refuse_in_cluster(here: Live, schedule: Schedule) -> None:
    """UsageError for a job of a cluster, of which no run is known here."""
    if in_cluster(here.host):
        _, namespace = context_and_namespace(here.host)
        raise UsageError(
            f"{schedule.name} is a CronJob of the cluster, which starts it and knows its runs",
            hint=f"kubectl -n {namespace} create job --from=cronjob/{schedule.name} {schedule.name}-now",
        )


def unsafe(ctx: Context, app: str, environment: str) -> str:
    """The kind of an unfinished deployment during which no job may start; empty without one."""
    pending = (item.kind for item in ctx.ledger.pending(app, environment))
    return next((kind for kind in pending if kind in (RESTORE, DESTROY)), "")


def runs_here(ctx: Context, app: str, environment: str) -> bool:
    """Whether this host has containers of the environment: `local` in a plan means the machine that deployed it."""
    found = ctx.runtime.list({LABEL_APP: app, LABEL_ENVIRONMENT: environment})
    return any(item.labels.get(LABEL_ROLE) in ("service", "accessory") for item in found)
