"""Take a snapshot manually, and list the existing ones."""

from __future__ import annotations

from shipway.actions.database.client import DatabaseClient, database_client
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.take_snapshot import current_snapshots, take
from shipway.actions.environment.observe import settings
from shipway.actions.environment.serving import serving
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release
from shipway.domain.schema_history import schema_revisions
from shipway.domain.snapshot import Snapshot, kept


def snapshot(ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0) -> Snapshot:
    """Take one now."""
    with exclusive_access(ctx, app, environment, "snapshot", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        revisions = schema_revisions(own.ledger.history(app, environment))
        schema = revisions[-1].schema if revisions else None
        return take(
            own, shell_of(own, now, release, where), release.number, schema, reason or "requested", most(release)
        )


def snapshots(ctx: Context, app: str, environment: str) -> list[Snapshot]:
    """Restorable snapshots, newest first."""
    now = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, now.release) if now else None
    return kept(current_snapshots(ctx, app, environment), most(release)) if release else []


def shell_of(ctx: Context, now: Deployment, release: Release, environment: Environment) -> DatabaseClient:
    """The shell of the current database. UsageError if snapshots of it aren't supported."""
    own = settings(ctx, release, environment, like=now)
    shell = database_client(ctx.on(environment.hosts[0].name), release, environment, own)
    if shell is None:
        products = " or ".join(item.product for item in ctx.servers.values())
        raise UsageError(
            f"{environment.name} has no {products} database with migrations: snapshots support nothing else"
        )
    return shell


def most(release: Release) -> int:
    """Number of snapshots to keep, by its plan."""
    return release.plan.database.snapshot.keep if release.plan.database else 0
