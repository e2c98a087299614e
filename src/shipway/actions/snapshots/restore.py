"""Restore an environment's database from a snapshot: into a second database, then both are renamed in one transaction.

A restore is a deployment of the current release, of its own kind: it is pending before the first database is created,
and its leftovers are found by its number. If its process dies, the next command completes it if the databases had been
renamed, and rolls it back otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from shipway.actions.database.client import DatabaseClient, with_volumes
from shipway.actions.database.external import require_restorable
from shipway.actions.database.swap import clean_up, new_name, old_name
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.take_snapshot import take
from shipway.actions.environment.recording import recorded
from shipway.actions.environment.service_volumes import volume_names
from shipway.actions.environment.serving import serving
from shipway.actions.snapshots.snapshot import most, shell_of, snapshots
from shipway.context import Context
from shipway.domain.count import counted
from shipway.domain.errors import ShipwayError, UsageError
from shipway.domain.event import DEPLOYMENT, Subject
from shipway.domain.release import FAILED, RESTORE, SUCCEEDED, Deployment, Release
from shipway.domain.schema_history import schema_revisions
from shipway.domain.size import readable
from shipway.domain.snapshot import Snapshot, lost
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Outlook:
    """What a restore would do."""

    snapshot: Snapshot
    lost: tuple[str, ...]  # messages by table
    volumes: tuple[str, ...]  # messages by volume of the services


def outlook(ctx: Context, app: str, environment: str, number: int) -> Outlook:
    """Inspect without changes."""
    chosen = _chosen(ctx, app, environment, number)
    now, release, where = serving(ctx, app, environment)
    shell = _with_volumes_of(chosen, shell_of(ctx, now, release, where), release)
    require_restorable(shell)
    return Outlook(chosen, tuple(lost(chosen.rows, shell.run("rows").rows)), tuple(_volumes(chosen, shell)))


def _with_volumes_of(chosen: Snapshot, shell: DatabaseClient, release: Release) -> DatabaseClient:
    """Also with those that the release's snapshots exclude, if this one has them: a backup may."""
    usual = volume_names(release.plan, snapshot=True)
    return with_volumes(shell, [name for name in volume_names(release.plan) if name in usual or name in chosen.volumes])


def _volumes(chosen: Snapshot, shell: DatabaseClient) -> Iterator[str]:
    """What happens to the files of the services."""
    mine = shell.files.volumes if shell.files else {}
    for name in sorted({*chosen.volumes, *mine}):
        if name not in mine:
            yield f"{name}: {counted(chosen.volumes[name].files, 'file')} in the snapshot, but the release has no such volume"
        elif name not in chosen.volumes:
            yield f"{name}: stays as it is, since it is not in the snapshot"
        else:
            yield f"{name}: all files are replaced by the {chosen.volumes[name].files} of the snapshot"


def restore_snapshot(
    ctx: Context, app: str, environment: str, number: int, reason: str, *, wait: float = 0.0
) -> Snapshot:
    """Restore it; returns the snapshot of the previous state."""
    with exclusive_access(ctx, app, environment, f"restore of snapshot {number}", wait=wait) as own:
        chosen = _chosen(own, app, environment, number)
        now, release, where = serving(own, app, environment)
        shell = _with_volumes_of(chosen, shell_of(own, now, release, where), release)
        require_restorable(shell)
        revisions = schema_revisions(own.ledger.history(app, environment))
        schema = revisions[-1].schema if revisions else None
        # Keeps one more than usual: the one to restore may be the oldest.
        present = take(own, shell, release.number, schema, f"before snapshot {number} is restored", most(release) + 1)
        record = Deployment(
            0, app, environment, release.number, RESTORE, own.actor, reason or f"snapshot {number}", own.clock(),
            secrets=now.secrets, fingerprints=now.fingerprints, way=now.way if chosen.schema == schema else "", goal=chosen.schema,
            adjustments=now.adjustments,
        )  # fmt: skip
        id = own.ledger.begin_deployment(record)
        with recorded(own, Subject(DEPLOYMENT, app, id), f"restore snapshot {number}") as kept:
            _put(kept, shell, chosen, id, schema)
        return present


def _put(ctx: Context, shell: DatabaseClient, chosen: Snapshot, id: int, schema: str | None) -> None:
    """Finalized in any case, unless the outcome can't be determined: then it stays pending for the next command."""
    files = (
        shell.files if shell.files is not None and not chosen.volumes.keys().isdisjoint(shell.files.volumes) else None
    )
    try:
        with ctx.part("restore", f"snapshot {chosen.number}, {readable(chosen.size)}"):
            shell.run("load", chosen.file, chosen.digest, new_name(id))
            if files is not None:
                files.load(id, chosen.file, chosen.volumes)
        with ctx.part("rename", shell.accessory.name):
            shell.run("swap", new_name(id), old_name(id))
        if files is not None:
            files.swap(id)
    except BaseException as error:
        ctx.cancelled.clear()  # must also run after an interrupt
        if old_name(id) in shell.run("there").there:  # renamed already
            shell.run("swap", new_name(id), old_name(id))
            if files is not None:
                files.swap(id)
            ctx.ledger.end_deployment(id, SUCCEEDED, ctx.clock(), chosen.schema, "")
        else:
            detail = error.message if isinstance(error, ShipwayError) else type(error).__name__
            ctx.ledger.end_deployment(id, FAILED, ctx.clock(), schema, detail)
        clean_up(shell)
        raise
    ctx.ledger.end_deployment(id, SUCCEEDED, ctx.clock(), chosen.schema, "")
    clean_up(shell)


def _chosen(ctx: Context, app: str, environment: str, number: int) -> Snapshot:
    there = snapshots(ctx, app, environment)
    found = next((item for item in there if item.number == number), None)
    if found is None:
        known = ", ".join(str(item.number) for item in there) or "none"
        raise UsageError(
            f"{environment} has no snapshot {number}",
            hint=f"there are: {known}; `shipway snapshots {environment}` lists them",
        )
    return found
