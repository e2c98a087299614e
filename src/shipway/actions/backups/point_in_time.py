"""Restore a time: a scratch server gets all files of a backup's `base` and replays the log of changes up to it; its database
becomes a snapshot of the environment, which is restored as every snapshot is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from shipway.actions.backups.archive import bases, require_continuous, stored
from shipway.actions.backups.content import read_manifest
from shipway.actions.backups.replay import Moment, instant, replay
from shipway.actions.backups.restore import open_backup, stored_names
from shipway.actions.backups.target import Target, reading_key, target_of
from shipway.actions.backups.verify import require_kind
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.take_snapshot import current_snapshots
from shipway.actions.environment.serving import serving
from shipway.actions.snapshots.snapshot import most, shell_of
from shipway.context import Context
from shipway.domain import continuous, history, names
from shipway.domain.backups import STORED, Manifest
from shipway.domain.errors import BackupFailed, SnapshotFailed, UsageError
from shipway.domain.schema_history import schema_revisions
from shipway.domain.snapshot import Snapshot, kept
from shipway.system.durations import timestamp


def open_moment(ctx: Context, app: str, environment: str, at: float, private: str | None) -> Moment:
    """Find what a time is restored from. UsageError, with the times that are possible, if it can't be."""
    now, release, where = serving(ctx, app, environment)
    shell = shell_of(ctx, now, release, where)
    require_continuous(shell)
    target = target_of(ctx, release, where)
    key = reading_key(target, private)
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
            volume = names.recovery(app, environment, shell.accessory.name)
            answer = replay(shell, moment, volume, file, [item.file for item in known], instant(moment.at))
        if answer.taken is None:
            raise SnapshotFailed("the restored database was not written")
        size, digest = answer.taken
        before = [item for item in own.ledger.history(app, environment) if (item.finished or item.started) <= moment.at]
        then, revisions = history.current(before), schema_revisions(before)
        made = Snapshot(
            app, environment, 0, then.release if then else moment.manifest.release,
            revisions[-1].schema if revisions else moment.manifest.schema, own.clock(), own.actor, f"as of {text} UTC", file, size,
            digest, answer.rows, {},
        )  # fmt: skip
        return own.ledger.add_snapshot(made)
