"""Verify a stored backup: read it back, and restore it into a scratch server."""

from __future__ import annotations

import dataclasses
import uuid

from shipway.actions.backups.content import (
    carrier,
    check_part,
    discard,
    file_into,
    read_part,
    shell_for,
    stored_digest,
)
from shipway.actions.backups.replay import verify_base
from shipway.actions.backups.target import Target, require_there, target_of
from shipway.actions.database.client import DatabaseClient
from shipway.actions.environment.locks import fenced
from shipway.actions.environment.serving import serving
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import DATABASE, STORED, Backup, Manifest, compared, last_good
from shipway.domain.errors import Damaged, NotStored, UsageError


def verify(ctx: Context, app: str, environment: str, name: str, private: str | None, *, wait: float = 0.0) -> Backup:
    """Verify one now, and record the result. name: `latest` is the newest that was stored. private: a private key, in place
    of the plan's. Raises Damaged, or NotStored, if it is; that is recorded. All other errors prove nothing, and aren't."""
    with fenced(ctx, names.backups_lock(app, environment), "verification of a backup", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        target = target_of(own, release, where)
        key = private or target.private
        record = find(own, app, environment, name)
        shell = shell_for(own.on(where.hosts[0].name), now, release, where)
        try:
            with own.part("verify", record.name):
                how = _verified(shell, target, record, key)
        except (Damaged, NotStored) as error:
            if isinstance(error, NotStored):
                require_there(target, own.ledger.backups(app, environment))
            if record.store == target.settings.to:  # another store lacks it by right
                own.ledger.record_backup(dataclasses.replace(record, problem=error.message))
            raise
        finally:
            discard(shell)
        done = dataclasses.replace(record, verified=own.ledger.now(), how=how, problem="")
        own.ledger.record_backup(done)
        return done


def find(ctx: Context, app: str, environment: str, name: str) -> Backup:
    """The recorded backup of that name. UsageError without one."""
    stored = [item for item in ctx.ledger.backups(app, environment) if item.outcome == STORED]
    found = next((item for item in stored if name in (item.name, "latest")), None)
    if found is None:
        good = last_good(stored)
        known = f"the newest verified one is {good.name}" if good else "there is none"
        raise UsageError(
            f"{environment} has no backup {name}", hint=f"{known}; `shipway backups {environment}` lists them"
        )
    return found


def require_kind(shell: DatabaseClient, manifest: Manifest) -> None:
    """UsageError if the backup is of another kind of database than the environment has."""
    if shell.accessory.kind != manifest.kind:
        raise UsageError(
            f"{manifest.name} is of a {manifest.kind} database, and {shell.environment} has {shell.accessory.kind}",
            hint=f"choose another: `shipway backups {shell.environment}` lists them; or deploy a release with {manifest.kind}",
        )


def _verified(shell: DatabaseClient, target: Target, record: Backup, private: str | None) -> str:
    if stored_digest(target, record.manifest) != record.digest:
        raise Damaged(
            f"the manifest of {record.name} is damaged, or was replaced: its digest differs from the ledger's"
        )
    if private:
        require_kind(shell, record.manifest)
        return restored(shell, target, record.manifest, private)
    for part in record.manifest.parts:
        check_part(target, record.manifest, part, None)
    return "read back"


def restored(shell: DatabaseClient, target: Target, manifest: Manifest, private: str) -> str:
    """Restore the stored copy into a scratch server and compare its schema and rows with the recorded ones; read the other parts.
    Returns how it was verified. Damaged if anything differs."""
    file = f"{uuid.uuid4().hex}.dump"
    with carrier(shell) as container:
        for part in manifest.parts:
            chunks = read_part(target, manifest, part, private)
            if part.name == DATABASE:
                file_into(shell, container, file, part.size, chunks)
                digest = part.digest
            else:
                for _ in chunks:
                    pass
    answer = shell.run("verify", file, digest)
    different = compared(manifest.rows, answer.rows)
    if manifest.image == shell.spec.image and manifest.shape != answer.shape:  # another version writes it otherwise
        different.append("the schema differs")
    if different:
        raise Damaged(f"the restored copy of {manifest.name} differs:\n  " + "\n  ".join(different[:20]))
    how = f"restored from the store; schema and rows of {len(manifest.rows)} tables are as recorded"
    return how + (_replayed(shell, target, manifest, private) if manifest.base else "")


def _replayed(shell: DatabaseClient, target: Target, manifest: Manifest, private: str) -> str:
    count = verify_base(shell, target, manifest, private, f"{uuid.uuid4().hex}.dump")
    return f"; all files and {count} segments of the log of changes replayed"
