"""The container of a scheduled run: start it, and collect its result. It outlives the controller, and is always removed
once its result is recorded."""

from __future__ import annotations

import dataclasses

from shipway.actions.environment.known_secrets import know_secrets
from shipway.actions.environment.observe import settings
from shipway.actions.environment.service_job import service_job
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_CONFIG, ContainerInfo, ContainerSpec
from shipway.domain.errors import NotRunnable, ShipwayError
from shipway.domain.release import FAILED, SUCCEEDED, Release
from shipway.domain.scheduled_run import LOST, TIMED_OUT, ScheduledRun
from shipway.domain.tasks import Schedule
from shipway.steps.starting import explanation
from shipway.system.durations import human
from shipway.system.redact import Lines

TAIL = 50  # lines that are recorded
WIDTH = 500  # characters of a recorded line
NOT_RUN = 127  # exit code of a command that can't be executed, as a shell returns


def name_of(run: ScheduledRun) -> str:
    """Name of its container."""
    return names.scheduled(run.app, run.environment, run.schedule, run.id)


def timeout_of(ctx: Context, run: ScheduledRun) -> float:
    """Seconds that it may take."""
    return _planned(ctx, run)[1].timeout


def start(ctx: Context, run: ScheduledRun) -> ScheduledRun:
    """Start it on this host, in the image of its release; again after a controller died in the middle. Returns the run
    with its start, or its outcome if its command can't be executed."""
    release, schedule = _planned(ctx, run)
    container = ctx.runtime.create(_spec(ctx, run, release, schedule))
    run = dataclasses.replace(run, began=ctx.ledger.now())
    ctx.ledger.begin_scheduled(run.id, run.began or 0.0)
    try:
        ctx.runtime.start(container)
    except NotRunnable as error:
        why = explanation(ctx, container, error.message)
        return _ended(ctx, run, FAILED, NOT_RUN, f"{why[0]}; {why[1]}" if why else error.message)
    return run


def collect(ctx: Context, run: ScheduledRun) -> ScheduledRun:
    """A run that began, with its outcome if it has ended on this host or its time is over."""
    found = ctx.runtime.find(name_of(run))
    if found is None:
        return dataclasses.replace(
            run, outcome=LOST, finished=ctx.ledger.now(),
            detail=f"its container is missing on {run.host}: whether it completed is unknown",
        )  # fmt: skip
    if found.state == "created":  # its controller died at this point
        return start(ctx, run)
    timeout = timeout_of(ctx, run)
    if found.active and abs(ctx.ledger.now() - (run.began or 0.0)) < timeout:  # the clock may have been ahead
        return run
    if found.active:
        ctx.runtime.stop(found.name, _stop_grace(ctx, run))
        return _ended(ctx, run, TIMED_OUT, None, f"timed out after {human(timeout)}")
    return _exited(ctx, run, found)


def _planned(ctx: Context, run: ScheduledRun) -> tuple[Release, Schedule]:
    """Its release, and the schedule of that."""
    release = ctx.ledger.release(run.app, run.release)
    assert release is not None
    return release, release.plan.environments[run.environment].schedules[run.schedule]


def _stop_grace(ctx: Context, run: ScheduledRun) -> float:
    """Seconds from SIGTERM to SIGKILL."""
    release, schedule = _planned(ctx, run)
    return release.plan.services[schedule.service].stop


def _exited(ctx: Context, run: ScheduledRun, found: ContainerInfo) -> ScheduledRun:
    code = found.exit_code
    if code is None:
        return _ended(ctx, run, LOST, None, f"its container is {found.state}, without an exit code")
    outcome, detail = (SUCCEEDED, "") if code == 0 else (FAILED, f"exited with {code}")
    return _ended(ctx, run, outcome, code, detail, found.finished)


def _ended(
    ctx: Context, run: ScheduledRun, outcome: str, code: int | None, detail: str, at: float = 0.0
) -> ScheduledRun:
    now = ctx.ledger.now()
    at = min(max(at, run.began or now), now) if at else now  # the clock of the host may differ
    return dataclasses.replace(run, outcome=outcome, finished=at, exit_code=code, detail=detail, log=_tail(ctx, run))


def _tail(ctx: Context, run: ScheduledRun) -> str:
    """The last lines of its output, without secrets."""
    try:
        know_secrets(ctx, run.app, run.environment)  # its release may have older ones than the newest
        masked = Lines(ctx.redactor)
        return "\n".join(masked.line(line)[:WIDTH] for line in ctx.runtime.logs(name_of(run), tail=TAIL))
    except ShipwayError as error:
        return f"(its output can't be shown: {error.message})"


def _spec(ctx: Context, run: ScheduledRun, release: Release, schedule: Schedule) -> ContainerSpec:
    """Deterministic, so that it is created only once."""
    app, place = run.app, release.plan.environments[run.environment]
    good = [item for item in ctx.ledger.deployments_of(app, place.name, release.number) if item.outcome == SUCCEEDED]
    own = settings(ctx, release, place, like=good[0] if good else None, create=False)
    extra = {name: own.secrets[name] for name in schedule.secrets}
    service = release.plan.services[schedule.service]
    job = service_job(release, place, own, schedule.service, extra, volumes=True)
    if ctx.images.inspect(job.image) is None:
        ctx.registry(release.plan).ensure()
        ctx.images.pull(job.image, lambda line: None)
    return dataclasses.replace(
        job, name=name_of(run), entrypoint=("sh", "-c"), command=(schedule.run,), stop_grace=service.stop,
        labels={**names.labels(app, place.name, "schedule", schedule.name), LABEL_CONFIG: f"run-{run.id}"},
        cpus=service.resources.cpus, memory=service.resources.memory,
    )  # fmt: skip
