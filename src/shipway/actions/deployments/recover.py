"""Complete or roll back the work of a process that died: the first thing that the next one does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from shipway.actions.cdn.purge import purge_now, reopen
from shipway.actions.database.down_scripts import recorded_found
from shipway.actions.database.swap import clean_up_after, finish_restore
from shipway.actions.deployments.apply import apply
from shipway.actions.deployments.clear import complete_destroy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.deployments.revert import reachable, revert
from shipway.actions.environment.away import present
from shipway.actions.environment.jobs import database_tool
from shipway.actions.environment.locks import environment_lease
from shipway.actions.environment.observe import observe, settings
from shipway.actions.environment.ownership import own_labels
from shipway.actions.environment.recording import recorded
from shipway.actions.environment.tool_container import tool_containers
from shipway.actions.projects.in_force import running_rules
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_LEDGER, LABEL_NAME, LABEL_OWNER, LABEL_ROLE
from shipway.domain.desired import render_desired
from shipway.domain.draining import stop_of
from shipway.domain.errors import EngineError, Interrupted, LeaseHeld, ShipwayError, StoreError
from shipway.domain.event import DEPLOYMENT, Subject
from shipway.domain.observed import Observed, release_of
from shipway.domain.plan import Environment, Host
from shipway.domain.platform import in_cluster
from shipway.domain.release import DEPLOY, DESTROY, FAILED, RESTORE, ROLLBACK, Deployment, Release
from shipway.domain.rollback_plan import CODE_THEN_DOWN, DOWN_THEN_CODE, RollbackPlan
from shipway.domain.rules import InForce
from shipway.domain.schema_history import CODE_ONLY, SchemaRevision, schema_revisions
from shipway.system.alive import is_gone
from shipway.system.parallel import attempt_all


@contextmanager
def exclusive_access(ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0) -> Iterator[Context]:
    """Hold the environment's lock with no unfinished work under it. Yields the context for changes, in which a migration
    tool has one container."""
    with environment_lease(ctx, app, environment, reason, wait=wait) as held, tool_containers(held) as own:
        recover(own, app, environment)
        yield own


def recover(ctx: Context, app: str, environment: str) -> None:
    """Recover pending deployments: while we hold the lock, their process is gone.

    A deployment that had switched is completed, or rolled back if that fails; any other is rolled back. A destroy is
    completed, without removing data.
    """
    _recover(ctx, app, environment)
    remove_leftovers(ctx, app, environment)


def remove_leftovers(ctx: Context, app: str, environment: str) -> None:
    """Remove what the environment's platform keeps for services that are gone, if it has one."""
    latest = ctx.ledger.latest(app, environment)
    release = ctx.ledger.release(app, latest.release) if latest else None
    where = release.plan.environments.get(environment) if release else None
    if where is None or not where.placed:
        return
    try:
        ctx.on(where.hosts[0].name).runtime.remove_leftovers(own_labels(ctx, app, environment))
    except EngineError as error:  # reported by whatever needs the host
        ctx.reporter.note(f"leftovers on {where.hosts[0].name} were not removed: {error.message}")


def _recover(ctx: Context, app: str, environment: str) -> None:
    deployments = ctx.ledger.history(app, environment)
    pending, now = ctx.ledger.pending(app, environment), ctx.ledger.current(app, environment)
    # One left pending by an unreachable host is over once others have followed.
    over = [item for item in pending if item is not pending[0] or (now is not None and now.id > item.id)]
    for item in over:
        ctx.ledger.end_deployment(item.id, FAILED, ctx.clock(), None, "its process died before it was finalized")
    dead = next((item for item in pending if item not in over), None)
    if dead is None:
        _end_jobs(ctx, app, environment)
        if now is not None and now.kind == RESTORE:
            restored = ctx.ledger.release(app, now.release)
            assert restored is not None
            clean_up_after(ctx, now, restored, restored.plan.environments[environment])
        return
    release = ctx.ledger.release(app, dead.release)
    assert release is not None
    where = release.plan.environments[environment]
    good = ctx.ledger.release(app, now.release) if now else None
    if dead.kind == DESTROY:
        complete_destroy(ctx, dead, where, good)
        return
    if not reachable(ctx, where, good):
        _postpone(ctx, dead, release, where, now)
        return
    _end_jobs(ctx, app, environment)
    with recorded(ctx, Subject(DEPLOYMENT, app, dead.id)) as own:
        if dead.kind == RESTORE:
            revert(own, release, where, now)  # the database must run to be queried
            revisions = schema_revisions(deployments)
            schema = revisions[-1].schema if revisions else None
            finish_restore(own.on(where.hosts[0].name), dead, release, where, schema)
        elif all(_switched(own.on(host.name), release, where, host, dead) for host in present(own, where, where.hosts)):
            _finish(own, dead, release, where)
        else:
            _roll_back(own, dead, release, where)


def _postpone(
    ctx: Context, dead: Deployment, release: Release, environment: Environment, now: Deployment | None
) -> None:
    """Leave it to the next command, with the reachable hosts on the good release."""
    try:
        revert(ctx, release, environment, now)
    except ShipwayError as error:
        ctx.reporter.note(f"the {dead.kind} of release {dead.release} by {dead.actor} stays pending: {error.message}")


def jobs(ctx: Context, app: str, environment: str) -> list[str]:
    """Containers of migrations, seeds and checks on this host, running or ended, that a process with the lock has left, or
    a dead one without it."""
    labels = {LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_ROLE: "job"}
    found = [(item.name, item.labels.get(LABEL_OWNER)) for item in ctx.runtime.list(labels)]
    return [name for name, owner in found if owner is None or is_gone(owner)]


def orphaned_sessions(ctx: Context, app: str, environment: str) -> list[str]:
    """Containers of one-off commands whose process was killed."""
    labels = {LABEL_APP: app, LABEL_ENVIRONMENT: environment, LABEL_ROLE: "session"}
    return [item.name for item in ctx.runtime.list(labels) if is_gone(item.labels.get(LABEL_OWNER, ""))]


def _end_jobs(ctx: Context, app: str, environment: str) -> None:
    """Remove jobs and sessions of dead processes: also one that was still deciding, without a deployment, may have left
    one."""
    latest = ctx.ledger.latest(app, environment)
    release = ctx.ledger.release(app, latest.release) if latest else None
    if release is None:
        return
    try:
        first = ctx.on(release.plan.environments[environment].hosts[0].name)
        found = [*jobs(first, app, environment), *orphaned_sessions(first, app, environment)]
    except EngineError:  # reported by whatever needs the host; it may be gone for good
        return
    attempt_all(*(partial(first.runtime.remove, job) for job in found))
    if (database := release.migrated) is not None and release.plan.environments[environment].backups is not None:
        left = names.recovery(app, environment, database.name)  # of a restore to a time
        if first.runtime.has_volume(left):
            first.runtime.remove_volume(left)


def _switched(ctx: Context, release: Release, environment: Environment, host: Host, dead: Deployment) -> bool:
    """Whether the dead deployment had made its last switch on this host."""
    if in_cluster(host.name):
        return ctx.cluster(release.app, environment.name, environment.cluster).observe().serves(release.number)
    desired = render_desired(release, environment, settings(ctx, release, environment, like=dead), host=host)
    return desired.routes == observe(ctx, release.app, environment.name).routes


def _finish(ctx: Context, dead: Deployment, release: Release, environment: Environment) -> None:
    """Complete it, or roll it back like any deployment."""
    ctx.reporter.heading(
        f"complete {dead.kind} {ctx.names.shown(dead.app, dead.environment)}: release {dead.release} serves, but {dead.actor}'s process died"
    )
    # One of an older version has no rollback plan.
    plan = RollbackPlan(dead.way, dead.goal) if dead.way else RollbackPlan(CODE_THEN_DOWN, release.schema)
    rollback = plan if dead.kind == ROLLBACK else None
    running = running_rules(ctx, dead.app, dead.environment)  # the others were met, and can't be read without a clone
    in_force = InForce(dead.environment, running) if running else None
    apply(
        ctx,
        decide(
            ctx,
            DeployRequest(
                release,
                environment,
                dead.kind,
                dead.reason,
                like=dead,
                rollback=rollback,
                in_force=in_force,
                adjustments=dead.adjustments,
            ),
        ),
        dead.id,
    )


def _roll_back(ctx: Context, dead: Deployment, release: Release, environment: Environment) -> None:
    ctx.reporter.heading(
        f"roll back {dead.kind} {ctx.names.shown(dead.app, dead.environment)}: {dead.actor}'s process died before all requests went to release {dead.release}"
    )
    deployments = ctx.ledger.history(dead.app, dead.environment)
    previous, revisions = history.current(deployments), schema_revisions(deployments)
    schema = revisions[-1].schema if revisions else None
    detail = "its process died before the switch"
    steps = [lambda: revert(ctx, release, environment, previous)]
    if previous is None and dead.kind == DEPLOY:  # before its database is removed, unless that existed before
        steps.insert(0, lambda: _schema_found(ctx.on(environment.hosts[0].name), dead, release, environment))
    if previous is not None and revisions:
        steps.append(lambda: _schema_back(ctx.on(environment.hosts[0].name), dead, release, environment, revisions[-1]))
    try:
        attempt_all(*steps)
    except (StoreError, LeaseHeld, Interrupted):  # the cause isn't in what is restored: it stays pending
        raise
    except ShipwayError as error:
        # Finalized anyway if every host answers: otherwise an environment that can't be restored would accept no
        # release.
        if reachable(ctx, environment, ctx.ledger.release(dead.app, previous.release) if previous else None):
            detail = f"{detail}; the rollback failed: {error.message}"
            ctx.ledger.end_deployment(dead.id, FAILED, ctx.clock(), _revision(ctx, dead, release, environment), detail)
        raise
    ctx.ledger.end_deployment(dead.id, FAILED, ctx.clock(), schema, detail)
    reopen(ctx, dead.app, dead.environment, dead.id)
    purge_now(ctx, dead.app, dead.environment, dead.id)


def _revision(ctx: Context, dead: Deployment, release: Release, environment: Environment) -> str | None:
    """The schema's revision, by the newest release that may know it; None if that can't be queried."""
    try:
        tool = database_tool(
            ctx.on(environment.hosts[0].name), release, environment, settings(ctx, release, environment, like=dead)
        )
        return tool.current() if tool else None
    except ShipwayError:
        return None


def _schema_found(ctx: Context, dead: Deployment, release: Release, environment: Environment) -> None:
    """Revert a first deployment's migrations to the revision of the database that it found."""
    found, database = recorded_found(ctx, release, environment.name, dead.started), release.plan.database
    observed = observe(ctx, dead.app, environment.name, routes=False)
    if found is None or database is None or not _runs(observed, release):
        return
    tool = database_tool(ctx, release, environment, settings(ctx, release, environment, like=dead))
    if tool is None or tool.current() == found[0]:
        return
    mine = ctx.ledger.identity()
    for item in observed.services:
        if release_of(item) == release.number and item.labels.get(LABEL_LEDGER) == mine:
            ctx.runtime.stop(item.name, stop_of(item))  # no request ever reached it, and it may hold a lock
    with ctx.part("revert", f"→ {found[0]}"):
        tool.down(found[0], lambda line: ctx.reporter.line("revert", line))


def _runs(observed: Observed, release: Release) -> bool:
    """Whether the database can be asked."""
    database = release.plan.database
    accessory = database.accessory if database else ""
    if accessory not in release.plan.own_accessories:
        return database is not None
    return any(item.running and item.labels.get(LABEL_NAME) == accessory for item in observed.accessories)


def _schema_back(
    ctx: Context, dead: Deployment, release: Release, environment: Environment, current_revision: SchemaRevision
) -> None:
    """Restore the previous revision: down after a deployment, up after a rollback that reverted the schema first."""
    database, again = release.plan.database, dead.way == DOWN_THEN_CODE
    if database is None or dead.way == CODE_ONLY or not (dead.kind == DEPLOY or again):
        return
    if dead.kind == DEPLOY and release.schema == current_revision.schema:
        return
    if not _runs(observe(ctx, dead.app, environment.name, routes=False), release):
        return
    brought = ctx.ledger.release(dead.app, current_revision.release) if again else release
    assert brought is not None
    tool = database_tool(ctx, brought, environment, settings(ctx, brought, environment, like=dead))
    if tool is None or tool.current() == current_revision.schema:
        return
    if again:
        with ctx.part("migrate", f"→ {current_revision.schema}, again"):
            tool.up(lambda line: ctx.reporter.line("migrate", line), current_revision.schema)
    else:
        with ctx.part("revert", f"→ {current_revision.schema}"):
            tool.down(current_revision.schema, lambda line: ctx.reporter.line("revert", line))
