"""Restore an environment from a stored backup: it becomes a snapshot of the environment, which is restored as every
snapshot is."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection

from shipway.actions.backups.content import OTHERS, carrier, file_into, read_manifest, read_part
from shipway.actions.backups.take import VOLUME
from shipway.actions.backups.target import Target, reading_key, target_of
from shipway.actions.backups.verify import require_kind
from shipway.actions.database.client import FOLDER, DatabaseClient
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.disk_space import require_free
from shipway.actions.environment.serving import serving
from shipway.actions.snapshots.snapshot import shell_of
from shipway.context import Context
from shipway.domain.backups import BASE, DATABASE, STORED, Backup, Manifest, describe
from shipway.domain.errors import BackupFailed, ShipwayError
from shipway.domain.snapshot import Archive, Snapshot
from shipway.steps.container import capture

REMOVAL = 600.0  # seconds


def open_backup(
    ctx: Context, app: str, environment: str, name: str, private: str | None
) -> tuple[Target, Manifest, str]:
    """Find a backup in the store, also one that the ledger doesn't know; with the private key that reads it. name: `latest`
    is the newest in the store, without those that the ledger knows as damaged. BackupFailed if it isn't the one that the
    ledger recorded."""
    _, release, where = serving(ctx, app, environment)
    target = target_of(ctx, release, where)
    key = reading_key(target, private)
    known = ctx.ledger.backups(app, environment)
    if name == "latest":
        name = newest(target, known)
    manifest, digest = read_manifest(target, name, key)
    recorded = next((item for item in known if item.name == name), None)
    if recorded is not None and recorded.outcome == STORED and recorded.digest != digest:
        raise BackupFailed(
            f"the manifest of {name} is damaged, or was replaced: its digest differs from the ledger's", hint=OTHERS
        )
    if recorded is None:
        ctx.reporter.note(f"this ledger didn't make {name}, so it can't tell whether someone changed or forged it")
    return target, manifest, key


def stored_names(target: Target) -> list[str]:
    """Names of the complete backups in the store, newest first."""
    found = (name.removeprefix(target.folder).split("/") for name in target.store.list(target.folder))
    return sorted({words[0] for words in found if words[1:] == ["manifest.age"]}, reverse=True)


def newest(target: Target, known: Collection[Backup] = ()) -> str:
    """The newest in the store, without those that the ledger knows as not good. BackupFailed without one."""
    order = {item.name: item.id if item.good else 0 for item in known}
    names = [name for name in stored_names(target) if order.get(name) != 0]
    if not names:
        raise BackupFailed(f"{target.settings.to} has no good backup of {target.environment or 'the ledger'}")
    if names[0] not in order:
        return names[0]
    return max(names, key=lambda name: order.get(name, 0))  # a name has the time of a clock, which may be set back


def fetch(
    ctx: Context, app: str, environment: str, target: Target, manifest: Manifest, private: str, *, wait: float = 0.0
) -> Snapshot:
    """Copy its files into the environment's snapshots. Recorded only once they are complete; what a process that died left
    is removed by the next snapshot."""
    with exclusive_access(ctx, app, environment, f"fetch of backup {manifest.name}", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        here = own.on(where.hosts[0].name)
        shell = shell_of(here, now, release, where)
        require_kind(shell, manifest)
        file = f"{uuid.uuid4().hex}.dump"
        archives: dict[str, Archive] = {}
        _require_space(here, manifest)
        try:
            with own.part("fetch", f"{manifest.name}: {describe(manifest)}"), carrier(shell) as container:
                for part in manifest.parts:
                    if part.name == BASE:
                        continue
                    volume = part.name.removeprefix(VOLUME)
                    name = file if part.name == DATABASE else f"{file}.{volume}.tar"
                    file_into(shell, container, name, part.size, read_part(target, manifest, part, private))
                    if part.name != DATABASE:
                        archives[volume] = Archive(
                            part.size, part.digest, manifest.files.get(volume, 0), volume not in manifest.incomplete
                        )
        except BaseException:
            own.cancelled.clear()  # must also run after an interrupt
            _remove(shell, file)
            raise
        dump = next(part for part in manifest.parts if part.name == DATABASE)
        made = Snapshot(
            app, environment, 0, manifest.release, manifest.schema, own.clock(), own.actor, f"backup {manifest.name}", file,
            dump.size, dump.digest, manifest.rows, archives,
        )  # fmt: skip
        return own.ledger.add_snapshot(made)


def _require_space(ctx: Context, manifest: Manifest) -> None:
    """DiskFull if the host hasn't enough for the files, and what must remain free."""
    needed = sum(part.size for part in manifest.parts if part.name != BASE)
    require_free(ctx, needed, "its files have", purpose=f" for backup {manifest.name}")


def _remove(shell: DatabaseClient, file: str) -> None:
    """Remove what a failed fetch wrote."""
    script = 'rm -f "$1" "$1".*.tar'
    spec = dataclasses.replace(
        shell.spec, entrypoint=("sh", "-c"), command=(script, "shipway", f"{FOLDER}/{file}"), env={}, networks={}
    )
    try:
        code, output = capture(shell.ctx, spec, timeout=REMOVAL)
    except ShipwayError as error:
        code, output = 1, error.message
    if code != 0:
        shell.ctx.reporter.note(f"files of the backup remain until the next snapshot: {output}")
