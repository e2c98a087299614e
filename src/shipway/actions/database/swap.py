"""Databases that a restore creates beside the serving one: names and clean-up."""

from __future__ import annotations

from shipway.actions.database.client import DatabaseClient, database_client, with_volumes
from shipway.actions.environment.observe import settings
from shipway.actions.environment.service_volumes import volume_names
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import ShipwayError
from shipway.domain.plan import Environment
from shipway.domain.release import FAILED, RESTORE, SUCCEEDED, Deployment, Release


def new_name(deployment: int) -> str:
    """Name of the database that is restored into."""
    return f"shipway_restore_{deployment}"


def old_name(deployment: int) -> str:
    """Name of the previous database, from the renaming on."""
    return f"shipway_before_{deployment}"


def finish_restore(
    ctx: Context, dead: Deployment, release: Release, environment: Environment, current_revision: str | None
) -> None:
    """Finish the restore of a process that died, or roll it back. ctx: of the host of the database."""
    shell = _shell(ctx, dead, release, environment)
    done = shell is not None and old_name(dead.id) in shell.run("there").there
    ctx.reporter.heading(
        f"{'complete' if done else 'roll back'} the restore in {dead.environment}: {dead.actor}'s process died"
    )
    if done:
        if shell is not None:
            shell.run("swap", new_name(dead.id), old_name(dead.id))
            if shell.files is not None:
                shell.files.swap(dead.id)
        ctx.ledger.end_deployment(dead.id, SUCCEEDED, ctx.clock(), dead.goal, "")
    else:
        ctx.ledger.end_deployment(
            dead.id, FAILED, ctx.clock(), current_revision, "its process died before the databases were renamed"
        )
    if shell is not None:
        clean_up(shell)


def clean_up_after(ctx: Context, newest: Deployment, release: Release, environment: Environment) -> None:
    """Clean up after a restore that was finalized when its process ended."""
    try:
        shell = (
            _shell(ctx.on(environment.hosts[0].name), newest, release, environment) if newest.kind == RESTORE else None
        )
        if shell is not None:
            clean_up(shell)
    except ShipwayError as error:  # its server may be under repair
        ctx.reporter.note(f"temporary databases of a restore may remain: {error.message}")


def clean_up(shell: DatabaseClient) -> None:
    """Remove all of them, and files of services' volumes: under the environment's lock with nothing pending they are
    leftovers."""
    shell.run("sweep")
    if shell.files is not None:
        shell.files.sweep()


def _shell(ctx: Context, of: Deployment, release: Release, environment: Environment) -> DatabaseClient | None:
    """With all volumes that are there: which ones the restored snapshot has isn't recorded."""
    shell = database_client(ctx, release, environment, settings(ctx, release, environment, like=of))
    if shell is None:
        return None
    there = [
        name
        for name in volume_names(release.plan)
        if ctx.runtime.has_volume(names.volume(shell.app, shell.environment, name))
    ]
    return with_volumes(shell, there)
