"""Snapshots of an environment's database: taken, tested by restoring them elsewhere, and recorded."""

from __future__ import annotations

import uuid

from shipway.actions.database.client import DatabaseClient, database_client
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.proofs.rollback_plan import proofs
from shipway.context import Context
from shipway.domain import snapshot as domain
from shipway.domain.desired import Settings
from shipway.domain.errors import SnapshotFailed
from shipway.domain.plan import Environment
from shipway.domain.proof import Proof, images_digest
from shipway.domain.release import Release
from shipway.domain.rules import asks_for_proof
from shipway.domain.snapshot import Snapshot


def snapshot_before(ctx: Context, order: DeployRequest, own: Settings, current_revision: str | None) -> Snapshot | None:
    """Take one before the release's migrations, if the plan or the rules in force require it. ctx: of the host of the
    database. An adopted database, whose release the ledger doesn't know, counts as unproven: its snapshot is of release
    0."""
    release, environment = order.release, order.environment
    now = ctx.ledger.current(release.app, environment.name)
    database = release.plan.database
    if database is None:
        return None
    proof = _proof(ctx, release, environment, current_revision)
    proof_required = now is None or asks_for_proof(release.plan, environment, order.in_force)
    if not domain.required(database.snapshot, proof, proof_required=proof_required or database.on_start):
        return None
    if not ctx.machine.executes:
        ctx.reporter.note(
            f"no snapshot of the database before the migrations: Shipway takes none in a cluster; back up {environment.name} there"
        )
        return None
    shell = database_client(ctx, release, environment, own)
    if shell is None:
        return None
    return take(
        ctx,
        shell,
        now.release if now else 0,
        current_revision,
        f"before the migrations of release {release.number}",
        database.snapshot.keep,
    )


def take(ctx: Context, shell: DatabaseClient, release: int, schema: str | None, cause: str, most: int) -> Snapshot:
    """Take one under the environment's lock. The files of the `most` newest before it stay; the ledger keeps all
    records."""
    known = current_snapshots(ctx, shell.app, shell.environment)
    file = f"{uuid.uuid4().hex}.dump"
    with ctx.part("snapshot", cause):
        answer = shell.run("take", file, *(item.file for item in domain.kept(known, most)))
        if answer.taken is None:
            raise SnapshotFailed("the snapshot was not written")
        size, digest = answer.taken
        # After the database: then each row's file is included, unless it is removed meanwhile.
        kept = tuple(item.file for item in domain.kept(known, most))
        archives = shell.files.take(file, kept) if shell.files else {}
        for name, archive in archives.items():
            if not archive.complete:
                ctx.reporter.note(f"files of {name} changed while they were copied: the snapshot may lack them")
        made = Snapshot(
            shell.app, shell.environment, 0, release, schema, ctx.clock(), ctx.actor, cause, file, size, digest, answer.rows,
            archives,
        )  # fmt: skip
        return ctx.ledger.add_snapshot(made)


def current_snapshots(ctx: Context, app: str, environment: str) -> list[Snapshot]:
    """Newest first, without those removed by a later destroy of the environment."""
    ended = ctx.ledger.destroyed(app, environment)
    return [item for item in ctx.ledger.snapshots(app, environment) if item.at > ended]


def _proof(ctx: Context, release: Release, environment: Environment, current_revision: str | None) -> Proof | None:
    found = proofs(ctx, release.app, environment.name, release.number)
    return next(
        (item for item in found if (item.digest, item.schema_before) == (images_digest(release), current_revision)),
        None,
    )
