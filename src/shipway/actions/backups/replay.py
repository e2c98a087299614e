"""Replay a server's log of changes on a scratch server, from all files of a backup's `base`."""

from __future__ import annotations

import dataclasses
import tarfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shipway.actions.backups.archive import stored
from shipway.actions.backups.content import BASE_FILE, carrier, file_into, read_part, remove_with_containers
from shipway.actions.backups.target import Target
from shipway.actions.database.client import Answer, DatabaseClient
from shipway.actions.environment.disk_space import require_free
from shipway.domain import continuous, names
from shipway.domain.backups import BASE, Manifest, Part
from shipway.domain.errors import EngineError, RegistryError, ShipwayError, SnapshotFailed
from shipway.domain.value import dataclass
from shipway.system.sealing import decrypted

ARCHIVE = "/archive"  # in the container that replays


@dataclass(frozen=True)
class Moment:
    """What a time is restored from."""

    at: float
    target: Target
    manifest: Manifest
    private: str
    segments: tuple[continuous.Segment, ...]

    @property
    def base(self) -> Part:
        """The part with all files of the server."""
        return next(part for part in self.manifest.parts if part.name == BASE)


def instant(at: float) -> str:
    """For the operation `recover`."""
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="microseconds")


def replay(shell: DatabaseClient, moment: Moment, volume: str, file: str, files: Sequence[str], until: str) -> Answer:
    """Into FILE of the volume of the shell, on its host; `volume`, of all that is replayed, is removed. until: empty: all
    segments. The image is the backup's: another version may not read its files."""
    spec = dataclasses.replace(
        shell.spec, name=f"{shell.app}_{shell.environment}_job_recovery", volumes={**shell.spec.volumes, volume: ARCHIVE},
        image=moment.manifest.image,
    )  # fmt: skip
    own = dataclasses.replace(shell, spec=spec)
    remove_with_containers(own, volume)
    _require_image(shell, moment.manifest)
    _require_space(shell, moment)
    try:
        with carrier(own) as container:
            chunks = read_part(moment.target, moment.manifest, moment.base, moment.private)
            file_into(own, container, BASE_FILE, moment.base.size, chunks, ARCHIVE)
            own.ctx.runtime.put(container, ARCHIVE, _segments(moment))
        return own.run("recover", until, file, *files)
    finally:
        try:
            remove_with_containers(own, volume)
        except ShipwayError as problem:
            shell.ctx.reporter.note(f"the volume {volume} remains until the next restore: {problem.message}")


def _segments(moment: Moment) -> Iterator[bytes]:
    """All files in one tar archive. Only one is held in memory: the server's segments are small."""
    for item in moment.segments:
        chunks = moment.target.store.get(moment.target.folder + item.object)
        data = b"".join(decrypted(iter(chunks), moment.private))
        entry = tarfile.TarInfo(f"{item.name}.gz")
        entry.size, entry.mode = len(data), 0o644
        yield entry.tobuf(tarfile.GNU_FORMAT) + data + b"\0" * (-len(data) % 512)
    yield b"\0" * 1024


def _require_image(shell: DatabaseClient, manifest: Manifest) -> None:
    """SnapshotFailed if the host hasn't the image whose server made the files, and can't pull it."""
    try:
        shell.ctx.images.pull(manifest.image, lambda line: None)
    except (EngineError, RegistryError) as error:
        raise SnapshotFailed(
            f"all files of {manifest.name} are of a server of {manifest.image}, and {shell.environment} has {shell.spec.image}: "
            f"the first can't be pulled, and another version can't read them ({error.message})",
            hint=f"load {manifest.image} on {shell.ctx.machine.name}; or restore the backup's dump, which any later version reads: "
            f"`shipway restore {shell.environment} --backup {manifest.name}`",
        ) from error


def _require_space(shell: DatabaseClient, moment: Moment) -> None:
    """DiskFull if the host hasn't enough for the files, and what must remain free."""
    base = moment.manifest.base
    assert base is not None
    needed = moment.base.size + base.data + sum(item.size for item in moment.segments)
    require_free(shell.ctx, needed, f"the files of {moment.manifest.name} and its log of changes have")


def verify_base(shell: DatabaseClient, target: Target, manifest: Manifest, private: str, file: str) -> int:
    """Replay all that is stored after a backup; returns the number of segments. Damaged or SnapshotFailed if that fails."""
    base = manifest.base
    assert base is not None
    reach = continuous.reach(stored(target), base)
    segments = reach.segments if reach else ()
    volume = names.replay(shell.app, shell.environment, shell.accessory.name)
    answer = replay(shell, Moment(base.ended, target, manifest, private, segments), volume, file, (), "")
    if answer.taken is None:
        raise SnapshotFailed("the replayed database was not written")
    return len(segments)
