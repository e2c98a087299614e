"""Restore a time: a scratch server gets all files of a backup's `base` and replays the log of changes up to it; its database
becomes a snapshot of the environment, which is restored as every snapshot is."""

from __future__ import annotations

import dataclasses
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from shipway.actions.backups.archive import bases, require_continuous, stored
from shipway.actions.backups.content import carrier, file_into, read_manifest, read_part
from shipway.actions.backups.restore import open_backup, stored_names
from shipway.actions.backups.target import Target, target_of
from shipway.actions.backups.verify import require_kind
from shipway.actions.database.client import Answer, DatabaseClient
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.take_snapshot import current_snapshots
from shipway.actions.environment.disk_space import SPARE
from shipway.actions.environment.serving import serving
from shipway.actions.snapshots.snapshot import most, shell_of
from shipway.context import Context
from shipway.domain import continuous, history, names
from shipway.domain.backups import BASE, STORED, Manifest, Part
from shipway.domain.disk import relief
from shipway.domain.errors import BackupFailed, DiskFull, ShipwayError, SnapshotFailed, UsageError
from shipway.domain.schema_history import schema_revisions
from shipway.domain.size import readable
from shipway.domain.snapshot import Snapshot, kept
from shipway.domain.value import dataclass
from shipway.system.durations import timestamp
from shipway.system.sealing import decrypted

ARCHIVE = "/archive"  # in the container that replays
BASE_FILE = "base.tar.gz"


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


def open_moment(ctx: Context, app: str, environment: str, at: float, private: str | None) -> Moment:
    """Find what a time is restored from. UsageError, with the times that are possible, if it can't be."""
    now, release, where = serving(ctx, app, environment)
    shell = shell_of(ctx, now, release, where)
    require_continuous(shell)
    target = target_of(ctx, release, where)
    key = private or target.private
    if not key:
        raise UsageError(
            f"the backups of {environment} can only be read with a private key, which this machine doesn't have",
            hint="pass it: --identity FILE",
        )
    archive = stored(target)
    found = _manifest(ctx, target, at, key)
    base = found.base if found else None
    reach = continuous.reach(archive, base) if base else None
    if found is None or reach is None or at > reach.until:
        raise UsageError(
            f"{timestamp(at)} UTC can't be restored in {environment}: {_why(at, found, reach, ctx.clock())}",
            hint=_possible(continuous.ranges(archive, bases(ctx, target)), environment),
        )
    _, manifest, key = open_backup(ctx, app, environment, found.name, key)
    if manifest.base is None:
        raise BackupFailed(f"{manifest.name} has no files of the server")
    require_kind(shell, manifest)
    return Moment(at, target, manifest, key, continuous.needed(reach, at))


def _manifest(ctx: Context, target: Target, at: float, private: str) -> Manifest | None:
    """Of the newest backup whose base ended before; also one that the ledger doesn't know."""
    known = {item.name: item for item in ctx.ledger.backups(target.app, target.environment)}
    for name in stored_names(target):
        item = known.get(name)
        if item is not None and (item.outcome != STORED or item.problem):
            continue
        manifest = item.manifest if item is not None else read_manifest(target, name, private)[0]
        if manifest.base is not None and manifest.base.ended <= at:
            return manifest
    return None


def _why(at: float, found: Manifest | None, reach: continuous.Reach | None, now: float) -> str:
    if at > now:
        return "it is in the future"
    if found is None:
        return "it is before the first backup with all files of the server"
    if reach is None:
        return f"the log of changes after backup {found.name} is not stored"
    return f"the log of changes is stored up to {timestamp(reach.until)} UTC, or has a gap there"


def _possible(ranges: Sequence[tuple[float, float]], environment: str) -> str:
    if not ranges:
        return f"no time can be restored yet: `shipway backup {environment}` begins it, with `backups.continuous` in the plan"
    texts = [f"{timestamp(-(-since // 1))} to {timestamp(until)}" for since, until in ranges[-5:]]
    return "possible, in UTC: " + "; ".join(texts)


def fetch_moment(ctx: Context, app: str, environment: str, moment: Moment, *, wait: float = 0.0) -> Snapshot:
    """Replay it beside the serving database, and record the result as a snapshot. What a process that died left is removed by the
    next one."""
    text = timestamp(moment.at)
    with exclusive_access(ctx, app, environment, f"restore to {text}", wait=wait) as own:
        now, release, where = serving(own, app, environment)
        here = own.on(where.hosts[0].name)
        shell = shell_of(here, now, release, where)
        known = kept(current_snapshots(own, app, environment), most(release) + 1)
        file = f"{uuid.uuid4().hex}.dump"
        with own.part("replay", f"{moment.manifest.name} and {len(moment.segments)} segments, to {text} UTC"):
            answer = replay(shell, moment, file, [item.file for item in known], instant(moment.at))
        assert answer.taken is not None
        size, digest = answer.taken
        before = [item for item in own.ledger.history(app, environment) if (item.finished or item.started) <= moment.at]
        then, revisions = history.current(before), schema_revisions(before)
        made = Snapshot(
            app, environment, 0, then.release if then else moment.manifest.release,
            revisions[-1].schema if revisions else moment.manifest.schema, own.clock(), own.actor, f"as of {text} UTC", file, size,
            digest, answer.rows, {},
        )  # fmt: skip
        return own.ledger.add_snapshot(made)


def instant(at: float) -> str:
    """For the operation `recover`."""
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="microseconds")


def replay(shell: DatabaseClient, moment: Moment, file: str, files: Sequence[str], until: str) -> Answer:
    """Into FILE of the volume of the shell, on its host; the volume of all that is replayed is removed. until: empty: all
    segments."""
    volume = names.recovery(shell.app, shell.environment, shell.accessory.name)
    spec = dataclasses.replace(
        shell.spec, name=f"{shell.app}_{shell.environment}_job_recovery", volumes={**shell.spec.volumes, volume: ARCHIVE}
    )
    own = dataclasses.replace(shell, spec=spec)
    _remove(own, volume)
    _require_space(shell, moment)
    try:
        with carrier(own) as container:
            chunks = read_part(moment.target, moment.manifest, moment.base, moment.private)
            file_into(own, container, BASE_FILE, moment.base.size, chunks, ARCHIVE)
            own.ctx.runtime.put(container, ARCHIVE, _segments(moment))
        answer = own.run("recover", until, file, *files)
        if answer.taken is None:
            raise SnapshotFailed("the restored database was not written")
        return answer
    finally:
        try:
            _remove(own, volume)
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


def _remove(shell: DatabaseClient, volume: str) -> None:
    """With the containers that a process that died left with it."""
    runtime = shell.ctx.runtime
    if not runtime.has_volume(volume):
        return
    for item in runtime.list({**shell.spec.labels}):
        if volume in item.volumes.values():
            runtime.remove(item.name)
    runtime.remove_volume(volume)


def _require_space(shell: DatabaseClient, moment: Moment) -> None:
    """DiskFull if the host hasn't enough for the files, and what must remain free."""
    base = moment.manifest.base
    assert base is not None
    needed = moment.base.size + base.data + sum(item.size for item in moment.segments)
    free = shell.ctx.runtime.free_space()
    if free is not None and free < needed + SPARE:
        raise DiskFull(
            f"the disk of {shell.ctx.machine.name} is too full: {readable(free)} are free, but the files of {moment.manifest.name} "
            f"and its log of changes have {readable(needed)}, and {readable(SPARE)} must remain free",
            hint=relief(shell.ctx.runtime.commands),
        )


def verify_base(shell: DatabaseClient, target: Target, manifest: Manifest, private: str, file: str) -> int:
    """Replay all that is stored after a backup; returns the number of segments. Damaged or SnapshotFailed if that fails."""
    base = manifest.base
    assert base is not None
    reach = continuous.reach(stored(target), base)
    segments = reach.segments if reach else ()
    replay(shell, Moment(base.ended, target, manifest, private, segments), file, (), "")
    return len(segments)
