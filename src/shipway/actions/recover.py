"""Finish or take back what a process began that is gone: the first thing that the next one does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shipway.actions.apply import apply
from shipway.actions.decide import Order, decide
from shipway.actions.leases import environment_lease
from shipway.actions.observe import observe, settings
from shipway.actions.oneoff import database_tool
from shipway.context import Context
from shipway.domain import names
from shipway.domain import rollback as back
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_NAME, LABEL_ROLE, LABEL_STANDBY
from shipway.domain.errors import ShipwayError
from shipway.domain.observed import Observed, Wanted, release_of
from shipway.domain.plan import Environment
from shipway.domain.release import DEPLOY, FAILED, PENDING, ROLLBACK, Deployment, Release
from shipway.domain.specify import specify


@contextmanager
def ready(ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0) -> Iterator[Context]:
    """The environment's lease, with nothing half done under it. Gives the context to change it with."""
    with environment_lease(ctx, app, environment, reason, wait=wait) as own:
        recover(own, app, environment)
        yield own


def recover(ctx: Context, app: str, environment: str) -> None:
    """While we hold the lease, whoever has a pending deployment there is gone.

    A deployment that had switched is finished, and rolled back where that fails; one that had not is taken back.
    """
    pending = [item for item in ctx.ledger.deployments(app, environment) if item.outcome == PENDING]
    if not pending:
        return
    dead = pending[0]
    for item in pending[1:]:
        ctx.ledger.end_deployment(item.id, FAILED, ctx.clock(), None, "its process ended before it was settled")
    for job in ctx.runtime.list({LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_ROLE: "job"}):
        ctx.runtime.remove(job.name)
    release = ctx.ledger.release(app, dead.release)
    assert release is not None
    where = release.plan.environments[environment]
    observed = observe(ctx, app, environment)
    if _wanted(ctx, release, where, dead).routes == observed.routes:
        _finish(ctx, dead, release, where)
    else:
        _take_back(ctx, dead, release, where, observed)


def _wanted(ctx: Context, release: Release, environment: Environment, deployment: Deployment) -> Wanted:
    return specify(release, environment, settings(ctx, release, environment, like=deployment))


def _finish(ctx: Context, dead: Deployment, release: Release, environment: Environment) -> None:
    ctx.reporter.heading(f"finish {dead.kind} {dead.environment}: release {dead.release} serves, and {dead.actor}'s process is gone")
    order = Order(release, environment, dead.kind, dead.reason, like=dead)
    try:
        apply(ctx, decide(ctx, order), dead.id)
    except ShipwayError:
        previous = back.current(back.standing(ctx.ledger.deployments(dead.app, dead.environment)))
        if previous is not None and previous.id != dead.id:
            _go_back(ctx, dead, previous)
        raise


def _go_back(ctx: Context, dead: Deployment, previous: Deployment) -> None:
    """By a rollback of its own: what the dead one switched from is no longer seen at the edge."""
    release = ctx.ledger.release(dead.app, previous.release)
    assert release is not None
    reason = f"release {dead.release} could not be finished"
    decision = decide(ctx, Order(release, release.plan.environments[dead.environment], ROLLBACK, reason, like=previous))
    record = Deployment(0, dead.app, dead.environment, release.number, ROLLBACK, ctx.actor, reason, ctx.clock(), previous.secrets)
    apply(ctx, decision, ctx.ledger.begin_deployment(record))


def _take_back(ctx: Context, dead: Deployment, release: Release, environment: Environment, observed: Observed) -> None:
    ctx.reporter.heading(f"take back {dead.kind} {dead.environment}: {dead.actor}'s process is gone, and release {dead.release} never served")
    previous = back.current(back.standing(ctx.ledger.deployments(dead.app, dead.environment)))
    schema = previous.schema if previous else None
    detail = "its process ended before the switch"
    try:
        _remove(ctx, dead, previous, observed)
        if previous is not None:
            _revert(ctx, dead, release, environment, previous, observed)
    except ShipwayError as error:
        detail, schema = f"{detail}; taking it back failed: {error.message}", None
        raise
    finally:
        ctx.ledger.end_deployment(dead.id, FAILED, ctx.clock(), schema, detail)


def _remove(ctx: Context, dead: Deployment, previous: Deployment | None, observed: Observed) -> None:
    """What it started. What the previous release needs stays, and what a rollback would have gone back to."""
    keep: set[str] = set()
    good = ctx.ledger.release(dead.app, previous.release) if previous else None
    if good is not None and previous is not None:
        keep = {spec.name for spec in _wanted(ctx, good, good.plan.environments[dead.environment], previous).services}
    for container in observed.services:
        if release_of(container) != dead.release or container.name in keep:
            continue
        if dead.kind == DEPLOY:
            ctx.runtime.remove(container.name)
            continue
        ctx.runtime.disconnect(names.rotation_network(dead.app, dead.environment), container.name)
        if LABEL_STANDBY not in container.labels:
            ctx.runtime.stop(container.name, 1)


def _revert(
    ctx: Context, dead: Deployment, release: Release, environment: Environment, previous: Deployment, observed: Observed
) -> None:
    database = release.plan.database
    if database is None or dead.kind != DEPLOY or release.schema == previous.schema:
        return
    if not any(item.running and item.labels.get(LABEL_NAME) == database.accessory for item in observed.accessories):
        return
    tool = database_tool(ctx, release, environment, settings(ctx, release, environment, like=dead))
    if tool is not None and tool.current() != previous.schema:
        with ctx.part("revert", f"→ {previous.schema}"):
            tool.down(previous.schema, lambda line: ctx.reporter.line("revert", line))
