"""The files of a backup between the environment's host and the store: streamed, encrypted on the way, counted twice."""

from __future__ import annotations

import dataclasses
import json
import re
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shipway.actions.backups.target import Target, manifest_object
from shipway.actions.database.client import FOLDER, DatabaseClient, with_volumes
from shipway.actions.snapshots.snapshot import shell_of
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Manifest, Part
from shipway.domain.container import LABEL_CONFIG
from shipway.domain.errors import BackupFailed, Damaged, NotStored
from shipway.domain.plan import Environment
from shipway.domain.record import from_data, to_data
from shipway.domain.release import Deployment, Release
from shipway.steps.container import owner_label
from shipway.system.sealing import decrypted, encrypted
from shipway.system.tally import Tally
from shipway.system.tars import reading_stream

BASE_FILE = "base.tar.gz"  # of the part `base`, as the server's script calls it
CHUNK = 1 << 18
PART = re.compile(r"database|base|ledger|key|volume-[a-z0-9][a-z0-9-]*")
LARGEST_MANIFEST = 64 << 20  # bytes
OTHERS = "use another backup: `shipway backups` lists them, with --stored also those that the ledger doesn't know"


def shell_for(ctx: Context, now: Deployment, release: Release, where: Environment) -> DatabaseClient:
    """The environment's database with a volume of its own for a backup's files, so that snapshots stay as they are."""
    shell = shell_of(ctx, now, release, where)
    there = {
        names.backups(shell.app, shell.environment, shell.accessory.name) if path == FOLDER else name: path
        for name, path in shell.spec.volumes.items()
    }
    name, env = f"{shell.app}_{shell.environment}_job_backup", {**shell.spec.env, "SHAPE": "1", "TEMPORARY": "1"}
    spec = dataclasses.replace(shell.spec, name=name, volumes=there, env=env)
    files = dataclasses.replace(shell.files, spec=spec) if shell.files else None
    return dataclasses.replace(shell, spec=spec, files=files)


def chosen_volumes(shell: DatabaseClient, volumes: tuple[str, ...] | None) -> DatabaseClient:
    """With the plan's choice of volumes of the services."""
    return shell if volumes is None else with_volumes(shell, volumes)


@contextmanager
def carrier(shell: DatabaseClient) -> Iterator[str]:
    """A container that never starts, with the volume of files: what is read and written goes through it. Removed at the
    end."""
    ctx, unique = shell.ctx, uuid.uuid4().hex[:8]
    ctx.images.pull(shell.spec.image, lambda line: None)
    name = names.bounded(shell.spec.name, f"_{unique}")
    labels = {**shell.spec.labels, **owner_label(ctx), LABEL_CONFIG: name}
    spec = dataclasses.replace(
        shell.spec, name=name, labels=labels, entrypoint=("true",), command=(), env={}, networks={},
    )  # fmt: skip
    container = ctx.runtime.create(spec)
    try:
        yield container
    finally:
        ctx.runtime.remove(container)


def discard(shell: DatabaseClient) -> None:
    """Remove the volumes of a backup's files and of its verification, with the containers that a process that died left with
    them: under the lock of the backups they are no one's."""
    own = (shell.app, shell.environment, shell.accessory.name)
    for volume in (names.backups(*own), names.replay(*own)):
        remove_with_containers(shell, volume)


def remove_with_containers(shell: DatabaseClient, volume: str) -> None:
    """Remove a volume of jobs, if it is there, and the containers that use it."""
    runtime = shell.ctx.runtime
    for item in runtime.list({**shell.spec.labels}):
        if volume in item.volumes.values():
            runtime.remove(item.name)
    if runtime.has_volume(volume):
        runtime.remove_volume(volume)


def file_from(shell: DatabaseClient, container: str, file: str) -> Iterator[bytes]:
    """The content of a file of the volume."""
    yield from file_of(shell.ctx.runtime.get(container, f"{FOLDER}/{file}"), file)


def file_of(archive: Iterator[bytes], file: str) -> Iterator[bytes]:
    """The content of the only file of a tar archive."""
    with reading_stream(archive) as tar:
        entry = tar.next()
        content = tar.extractfile(entry) if entry else None
        if content is None:
            raise BackupFailed(f"the volume has no file {file}")
        while chunk := content.read(CHUNK):
            yield chunk


def file_into(
    shell: DatabaseClient, container: str, file: str, size: int, chunks: Iterator[bytes], folder: str = FOLDER
) -> None:
    """Write a file of the volume. BackupFailed if the content has another size."""

    def archive() -> Iterator[bytes]:
        entry = tarfile.TarInfo(file)
        entry.size, entry.mode = size, 0o644
        yield entry.tobuf(tarfile.GNU_FORMAT)
        rest = size
        for chunk in chunks:
            rest -= len(chunk)
            if rest < 0:
                raise Damaged(f"{file} is larger than recorded")
            yield chunk
        if rest:
            raise Damaged(f"{file} is {rest} bytes shorter than recorded")
        yield b"\0" * (-size % 512 + 1024)

    shell.ctx.runtime.put(container, folder, archive())


def store_part(target: Target, manifest: Manifest, part: Part, plain: Iterator[bytes]) -> Part:
    """Encrypt and store a part. BackupFailed if its content isn't what was recorded."""
    before = Tally(plain)
    after = Tally(encrypted(iter(before), target.settings.recipients))

    def checked() -> Iterator[bytes]:
        yield from after
        if (before.size, before.digest) != (part.size, part.digest):
            raise BackupFailed(f"{part.name} changed while it was read: its digest differs", hint="take another backup")

    target.store.put(manifest.folder + part.object, checked())
    return dataclasses.replace(part, stored=after.size, sealed=after.digest)


def read_part(target: Target, manifest: Manifest, part: Part, private: str) -> Iterator[bytes]:
    """The plain content of a stored part. Raises BackupFailed at its end if anything differs from the manifest."""
    sealed = Tally(target.store.get(manifest.folder + part.object))
    plain = Tally(decrypted(iter(sealed), private))
    yield from plain
    sealed.drain()
    if (sealed.size, sealed.digest) != (part.stored, part.sealed) or (plain.size, plain.digest) != (
        part.size, part.digest,
    ):  # fmt: skip
        raise Damaged(f"{part.name} of {manifest.name} is damaged: its digest differs from the manifest", hint=OTHERS)


def check_part(target: Target, manifest: Manifest, part: Part, private: str | None) -> None:
    """Read a stored part back. BackupFailed if it isn't what was stored; with a private key, also if it isn't what was
    encrypted."""
    if private:
        for _ in read_part(target, manifest, part, private):
            pass
        return
    sealed = Tally(target.store.get(manifest.folder + part.object))
    sealed.drain()
    if (sealed.size, sealed.digest) != (part.stored, part.sealed):
        raise Damaged(f"{part.name} of {manifest.name} is damaged: its digest differs from the manifest", hint=OTHERS)


def sealed_manifest(target: Target, manifest: Manifest) -> tuple[bytes, str]:
    """What is stored of it, and its sha256. Storing it makes the backup visible."""
    data = json.dumps(to_data(manifest), indent=1).encode()
    sealed = Tally(encrypted(iter((data,)), target.settings.recipients))
    return b"".join(sealed), sealed.digest


def stored_digest(target: Target, manifest: Manifest) -> str:
    """The sha256 of the manifest in the store. BackupFailed without one."""
    sealed = Tally(target.store.get(manifest_object(manifest)))
    sealed.drain()
    return sealed.digest


def read_manifest(target: Target, name: str, private: str) -> tuple[Manifest, str]:
    """The stored manifest of a backup that the ledger may not know, and its digest. BackupFailed if there is none, or it
    can't be read."""
    try:
        sealed = Tally(target.store.get(f"{target.folder}{name}/manifest.age"))
    except NotStored as error:
        raise BackupFailed(
            f"{target.settings.to} has no backup {name} of {target.environment or 'the ledger'}",
            hint="`shipway backups` with --stored lists those that it has",
        ) from error
    data = b""
    for chunk in decrypted(iter(sealed), private):
        data += chunk
        if len(data) > LARGEST_MANIFEST:
            raise BackupFailed(f"the manifest of {name} is too large", hint=OTHERS)
    try:
        found = from_data(Manifest, json.loads(data))
    except (ValueError, TypeError, KeyError) as error:
        raise BackupFailed(f"the manifest of {name} can't be read", hint=OTHERS) from error
    if (found.app, found.environment, found.name) != (target.app, target.environment, name):
        raise BackupFailed(f"the manifest of {name} is that of another backup: {found.folder}", hint=OTHERS)
    strange = [part.name for part in found.parts if not PART.fullmatch(part.name)]
    if strange:  # they become names of files
        raise BackupFailed(f"the manifest of {name} names an unknown part: {strange[0][:60]!r}", hint=OTHERS)
    return found, sealed.digest


def delete(target: Target, name: str, objects: Sequence[str] | None = None) -> None:
    """Remove a backup from the store: first the manifest, so that it is never seen without its parts."""
    folder = f"{target.folder}{name}/"
    target.store.remove(f"{folder}manifest.age")
    for found in objects if objects is not None else list(target.store.list(folder)):
        target.store.remove(found)
