"""Take a backup: dump under the environment's lock, test by restoring, encrypt, store, read back, record.

All files of a server, and its log of changes, are parts of their own: one that fails doesn't fail the dump.

It is pending in the ledger before anything is stored, and good only once its stored copy was verified. What a process
that died left in the store is removed by the next one.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from shipway.actions.backups.archive import archive, close_gap, remove_unneeded, require_continuous
from shipway.actions.backups.content import (
    BASE_FILE,
    carrier,
    check_part,
    chosen_volumes,
    delete,
    discard,
    file_from,
    sealed_manifest,
    shell_for,
    store_part,
    stored_digest,
)
from shipway.actions.backups.retention import remove_old
from shipway.actions.backups.target import Target, manifest_object, require_there, target_of
from shipway.actions.backups.verify import restored
from shipway.actions.database.client import DatabaseClient
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.locks import fenced
from shipway.actions.environment.serving import serving
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import (
    ABANDONED,
    BASE,
    DATABASE,
    FAILED,
    MANIFEST,
    PENDING,
    REMOVED,
    RESTORE,
    STORED,
    SUFFIX,
    Backup,
    Base,
    Manifest,
    Part,
    describe,
    leftovers,
    name_of,
    with_stored,
)
from shipway.domain.errors import (
    BackupFailed,
    Damaged,
    Interrupted,
    NotStored,
    OtherKey,
    ShipwayError,
    SnapshotFailed,
    StoreError,
)
from shipway.domain.schema_history import schema_revisions

VOLUME = "volume-"
FILE = "backup.dump"  # in the volume of the backup
ARCHIVE_WAIT = 600.0  # seconds, for another one to end


def backup(
    ctx: Context, app: str, environment: str, reason: str, *, wait: float = 0.0, due: float | None = None
) -> Backup:
    """Take one now, and remove those that are no longer needed. due: the time of the schedule, if it is that."""
    with fenced(ctx, names.backups_lock(app, environment), "backup", wait=wait) as own:
        _, release, where = serving(own, app, environment)
        target = target_of(own, release, where)
        known = own.ledger.backups(app, environment)
        with recorded(own, _begun(own, target, reason, due), target) as record:
            require_there(target, known)
            clean_up(own, target, known)
            # From here on, the server keeps what the new base needs.
            failed = _archived(ctx, target)
            made = _take(own, target, record, wait)
        remove_old(own, target)
        if target.settings.continuous:
            if made.manifest.base is not None and not failed:
                close_gap(own, app, environment)
            failed |= _archived(ctx, target)  # then its own time can be restored
            remove_unneeded(own, target)
        _require_complete(made, failed)
        return made


def _archived(ctx: Context, target: Target) -> dict[str, str]:
    """Store the log of changes, if the plan wants that; returns why it failed."""
    if target.settings.continuous is None:
        return {}
    return _attempt(ctx, "log of changes", lambda: archive(ctx, target.app, target.environment, wait=ARCHIVE_WAIT))


def _attempt(ctx: Context, part: str, work: Callable[[], object]) -> dict[str, str]:
    """Do it; returns why it failed, by the name of the part."""
    try:
        work()
    except (Interrupted, StoreError):  # of the ledger: nothing could be recorded
        raise
    except ShipwayError as error:
        return {part: ctx.redactor.text(error.message)}
    return {}


def _require_complete(made: Backup, failed: Mapping[str, str]) -> None:
    """BackupFailed, with each part that failed and why; the others are recorded."""
    lacking = {**made.manifest.lacks, **failed}
    if lacking:
        listed = "\n".join(f"  {part}: {why}" for part, why in lacking.items())
        raise BackupFailed(
            f"backup {made.name} of {made.manifest.environment} is stored and {made.state}, but a part of it failed:\n{listed}",
            hint="`shipway restore --backup` can restore it. `shipway tick` repeats the log of changes, and a backup that was due",
        )


def _begun(ctx: Context, target: Target, reason: str, due: float | None) -> Backup:
    return begun(
        ctx, target, Manifest(target.app, target.environment, new_name(ctx), ctx.clock(), 0, None, "", ""), reason, due
    )


def new_name(ctx: Context, ledger: str = "") -> str:
    """Of a backup that begins now. ledger: its identity, if the backup is of the ledger."""
    return name_of(datetime.fromtimestamp(ctx.clock(), UTC), uuid.uuid4().hex, ledger)


def begun(ctx: Context, target: Target, manifest: Manifest, reason: str, due: float | None) -> Backup:
    """The pending record."""
    record = Backup(0, manifest, target.settings.to, ctx.actor, reason, ctx.ledger.now(), due)
    return dataclasses.replace(record, id=ctx.ledger.begin_backup(record))


@contextmanager
def recorded(ctx: Context, record: Backup, target: Target) -> Iterator[Backup]:
    """Records a failure as the outcome, and removes what was stored by then. One that is stored as a whole, and not shown to
    be damaged, stays pending: the next backup verifies it."""
    try:
        yield record
    except BaseException as error:
        ctx.cancelled.clear()  # must also run after an interrupt
        try:
            _record_failure(ctx, target, record, error)
        except StoreError as problem:
            ctx.reporter.note(
                f"the ledger can't record how {record.name} ended: {problem.message}; the next backup completes or removes it"
            )
        raise


def _record_failure(ctx: Context, target: Target, record: Backup, error: BaseException) -> None:
    now = next(item for item in ctx.ledger.backups(target.app, target.environment) if item.id == record.id)
    if now.outcome == STORED:
        return
    if _may_be_whole(target, now, error):
        ctx.reporter.note(f"{record.name} is stored, but not verified: the next backup does that")
        return
    detail = error.message if isinstance(error, ShipwayError) else type(error).__name__
    ctx.ledger.record_backup(dataclasses.replace(now, outcome=FAILED, finished=ctx.ledger.now(), detail=detail))
    try:
        delete(target, record.name)
    except ShipwayError as problem:  # of a store that is gone; the next backup does it
        ctx.reporter.note(f"parts of {record.name} may remain in the store: {problem.message}")


def _may_be_whole(target: Target, item: Backup, error: BaseException) -> bool:
    """Whether it may be stored as a whole after an error that doesn't show it to be damaged."""
    if not item.digest or isinstance(error, (Damaged, OtherKey)):
        return False
    try:
        there = target.store.list(target.folder)
    except BackupFailed:
        return True  # a store that is gone shows nothing
    if not there:
        return True  # nor does one that is empty: a disk that isn't mounted
    return manifest_object(item.manifest) in there and not isinstance(error, NotStored)


def clean_up(ctx: Context, target: Target, known: list[Backup]) -> None:
    """Finish backups that are pending since their process died, or the ledger or the store was away: one that is completely
    stored is verified, others are removed from the store, with what a process of another ledger left there long ago."""
    target.store.clean_up(target.folder, ABANDONED)
    since = ctx.ledger.now() - ABANDONED
    for item in known:
        if item.outcome == PENDING or (item.outcome == FAILED and item.started > since):
            target.store.clean_up(f"{target.folder}{item.name}/")
    there = target.store.list(target.folder)
    for item in known:
        if item.outcome == PENDING and not (item.digest and (item.store != target.settings.to or not there)):
            _finish(ctx, target, item, whole=bool(item.digest) and manifest_object(item.manifest) in there)
    folders = {name.removeprefix(target.folder).split("/")[0] for name in there}
    # One without a digest has a manifest that this ledger never wrote: it is older than the backup, as after a restore.
    current = ctx.ledger.backups(target.app, target.environment)
    bad = {item.name for item in current if item.outcome in (FAILED, REMOVED) and item.digest}
    partial = leftovers(
        [name.removeprefix(target.folder) for name in there],
        [item.name for item in known],
        datetime.fromtimestamp(ctx.clock() - ABANDONED, UTC),
    )
    for name in sorted({*partial, *(bad & folders)}):
        ctx.reporter.note(f"{name} is incomplete, and is removed from the store")
        delete(target, name, [item for item in there if item.startswith(f"{target.folder}{name}/")])


def _finish(ctx: Context, target: Target, item: Backup, *, whole: bool) -> None:
    """Verify it, or record it as failed. An error that doesn't show it to be damaged leaves it as it is."""
    detail = "its process died before it was complete"
    if whole:
        try:
            try:
                finished(ctx, target, item, None)
            except OtherKey:  # the plan's key is another one since
                finished(ctx, dataclasses.replace(target, private=None), item, None)
            return
        except BackupFailed as error:
            if _may_be_whole(target, item, error):
                ctx.reporter.note(f"{item.name} can't be verified now: {error.message}; the next backup does it")
                return
            detail = f"it was not verified when it was made: {error.message}"
    ctx.ledger.record_backup(dataclasses.replace(item, outcome=FAILED, finished=ctx.ledger.now(), detail=detail))


def _take(ctx: Context, target: Target, record: Backup, wait: float) -> Backup:
    app, environment = target.app, target.environment
    with exclusive_access(ctx, app, environment, f"backup {record.name}", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        here = own.on(where.hosts[0].name)
        shell = chosen_volumes(shell_for(here, now, release, where), target.settings.volumes)
        revisions = schema_revisions(own.ledger.history(app, environment))
        discard(shell)  # of a process that died
        manifest = dataclasses.replace(
            record.manifest, release=release.number, schema=revisions[-1].schema if revisions else None,
            kind=shell.accessory.kind, image=shell.spec.image,
        )  # fmt: skip
        try:
            manifest = _dump(shell, manifest)
        except ShipwayError:  # such as a full disk
            _discard(shell)
            raise
    shell = _with_context(shell, ctx.on(where.hosts[0].name))  # the environment's lock was given back
    try:
        if target.settings.continuous:
            manifest = _with_base(shell, manifest)
        with ctx.part("store", target.settings.to), carrier(shell) as container:
            parts = [
                store_part(target, manifest, part, file_from(shell, container, _file(part))) for part in manifest.parts
            ]
            record = publish(ctx, target, dataclasses.replace(record, manifest=with_stored(manifest, parts)))
        return finished(ctx, target, record, shell)
    finally:
        _discard(shell)


def _discard(shell: DatabaseClient) -> None:
    """Its failure decides nothing: the next backup does it again."""
    try:
        discard(shell)
    except Interrupted:
        raise
    except ShipwayError as problem:
        shell.ctx.reporter.note(f"files of a backup may remain on {shell.ctx.machine.name}: {problem.message}")


def publish(ctx: Context, target: Target, record: Backup) -> Backup:
    """Store the manifest, which makes the backup visible. It is recorded before, so that the next process can complete what
    this one has begun."""
    data, digest = sealed_manifest(target, record.manifest)
    record = dataclasses.replace(record, digest=digest)
    ctx.ledger.record_backup(record)
    target.store.put(manifest_object(record.manifest), iter((data,)))
    return record


def _with_context(shell: DatabaseClient, ctx: Context) -> DatabaseClient:
    files = dataclasses.replace(shell.files, ctx=ctx) if shell.files else None
    return dataclasses.replace(shell, ctx=ctx, files=files)


def _dump(shell: DatabaseClient, manifest: Manifest) -> Manifest:
    """Into the volume of the backup. The dump is restored to another server as a test; its rows are those found there."""
    with shell.ctx.part("dump", f"{shell.server.product} of {shell.environment}, restored as a test"):
        answer = shell.run("take", FILE)
        if answer.taken is None:
            raise SnapshotFailed("the dump was not written")
        archives = shell.files.take(FILE, (FILE,)) if shell.files else {}
    size, digest = answer.taken
    parts = [Part(DATABASE, size, digest)]
    parts += [Part(f"{VOLUME}{name}", item.size, item.digest) for name, item in archives.items()]
    incomplete = tuple(name for name, item in archives.items() if not item.complete)
    for name in incomplete:
        shell.ctx.reporter.note(f"files of {name} changed while they were copied: the backup may lack them")
    files = {name: item.files for name, item in archives.items()}
    return dataclasses.replace(
        manifest, rows=answer.rows, shape=answer.shape, parts=tuple(parts), files=files, incomplete=incomplete
    )


def _with_base(shell: DatabaseClient, manifest: Manifest) -> Manifest:
    """With all files of the server, or why there are none. No lock is held: deployments go on, and a server that is stopped
    or replaced meanwhile fails the copy, which is never taken for a whole one."""
    copied: list[tuple[Part, Base]] = []
    failed = _attempt(shell.ctx, BASE, lambda: copied.append(_base(shell)))
    for part, base in copied:
        database, *others = manifest.parts
        return dataclasses.replace(manifest, parts=(database, part, *others), base=base)
    shell.ctx.reporter.note(f"{BASE}: {failed[BASE]}")
    return dataclasses.replace(manifest, lacks=failed)


def _base(shell: DatabaseClient) -> tuple[Part, Base]:
    """All files of the server, from which a time is restored."""
    require_continuous(shell)
    container = names.accessory(shell.app, shell.environment, shell.accessory.name)
    beside = dataclasses.replace(shell, spec=dataclasses.replace(shell.spec, networks={}, network_of=container))
    with shell.ctx.part("base", f"all files of {shell.server.product}"):
        answer = beside.run("base")
    if answer.base is None:
        raise SnapshotFailed("the files of the server were not copied")
    size, digest, base = answer.base
    return Part(BASE, size, digest), base


def _file(part: Part) -> str:
    """The part's file in the volume."""
    if part.name == BASE:
        return BASE_FILE
    return FILE if part.name == DATABASE else f"{FILE}.{part.name.removeprefix(VOLUME)}.tar"


def finished(
    ctx: Context,
    target: Target,
    record: Backup,
    shell: DatabaseClient | None,
    how: str = "restored before it was encrypted",
) -> Backup:
    """Verify the stored copy, and record the outcome. how: its content was verified before it was encrypted."""
    manifest = record.manifest
    with ctx.part("verify", f"{record.name}: {describe(manifest)}"):
        if stored_digest(target, manifest) != record.digest:
            raise Damaged(f"the stored {MANIFEST}{SUFFIX} of {record.name} is not what was written")
        if shell is not None and target.settings.verify == RESTORE and target.private:
            how = restored(shell, target, manifest, target.private)
        else:
            for part in manifest.parts:
                check_part(target, manifest, part, target.private)
            how += "; read back" + (" and decrypted" if target.private else "")
    now = ctx.ledger.now()
    done = dataclasses.replace(record, outcome=STORED, finished=now, verified=now, how=how)
    ctx.ledger.record_backup(done)
    return done
