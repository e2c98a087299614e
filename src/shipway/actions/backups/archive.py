"""Store a database server's log of changes: what it has written since the last time, encrypted, in order.

The server keeps each segment until it is told that it is stored, and it is told only by the next call. So an attempt that
dies at any point is repeated by the next one, and nothing is lost.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Iterator
from functools import partial

from shipway.actions.backups.content import file_of
from shipway.actions.backups.target import Target, require_there, target_of
from shipway.actions.database.client import DatabaseClient
from shipway.actions.environment.everywhere import everywhere
from shipway.actions.environment.locks import fenced, is_held
from shipway.actions.environment.serving import serving
from shipway.actions.schedules.live import live, runs_here
from shipway.actions.snapshots.snapshot import shell_of
from shipway.context import Context
from shipway.domain import continuous, names
from shipway.domain.backups import PENDING, STORED, Archived, Base
from shipway.domain.errors import BackupFailed, ShipwayError, UsageError
from shipway.domain.record import from_data, to_data
from shipway.system.durations import timestamp
from shipway.system.sealing import encrypted

TIMEOUT = 600.0
LAST = 3  # lines of an error


def require_continuous(shell: DatabaseClient) -> None:
    """UsageError if its log of changes can't be stored."""
    if shell.accessory.external or not shell.server.continuous:
        what = "an external service" if shell.accessory.external else shell.server.product
        products = " or ".join(item.product for item in shell.ctx.servers.values() if item.continuous)
        raise UsageError(
            f"{shell.accessory.name} of {shell.environment} is {what}: any time can be restored only of a {products} accessory",
            hint="remove `backups.continuous` from the plan; backups and their restore don't need it",
        )


def archived(ctx: Context, app: str, environment: str) -> Archived | None:
    """As recorded; None if nothing was ever stored, or that has ended."""
    found = ctx.ledger.property(_name(app, environment))
    return from_data(Archived, json.loads(found)) if found else None


def record(ctx: Context, app: str, environment: str, state: Archived | None) -> None:
    """Record it; None: it has ended."""
    ctx.ledger.replace_property(_name(app, environment), json.dumps(to_data(state)) if state else "")


def _name(app: str, environment: str) -> str:
    return f"archive {names.scope(app, environment)}"


def archive(ctx: Context, app: str, environment: str, *, wait: float = 0.0) -> Archived:
    """Store what is new. A failure is recorded, too."""
    with fenced(ctx, names.archive_lock(app, environment), "log of changes", wait=wait) as own:
        before = archived(own, app, environment) or Archived()
        try:
            now, release, where = serving(own, app, environment)
            target = target_of(own, release, where)
            shell = shell_of(own.on(where.hosts[0].name), now, release, where)
            require_continuous(shell)
            require_there(target, own.ledger.backups(app, environment))
            done = _store(own, target, shell, before)
        except ShipwayError as error:
            failed = dataclasses.replace(before, tried=own.ledger.now(), problem=own.redactor.text(error.message))
            record(own, app, environment, failed)
            raise
        record(own, app, environment, done)
        return done


def stored(target: Target) -> continuous.Archive:
    """What the store has."""
    there = target.store.list(target.folder)
    return continuous.read({name.removeprefix(target.folder): size for name, size in there.items()})


def _store(ctx: Context, target: Target, shell: DatabaseClient, before: Archived) -> Archived:
    known = stored(target)
    last = known.last
    container = names.accessory(shell.app, shell.environment, shell.accessory.name)
    words = (last.piece, str(last.number)) if last else ("", "")
    piece, at, folder, segments = _ask(shell, container, words)
    gap = continuous.missing(last, piece, [number for number, _ in segments])
    if gap:
        until = f" after {timestamp(before.until)} UTC" if before.until is not None else ""
        gap = f"{gap}: times{until} can't be restored until a new backup has been taken"
        ctx.reporter.note(f"{shell.environment}: {gap}")
    end = last.number if last and last.piece == piece else -1
    for number, name in segments:
        if number > end:
            made = continuous.segment_of(piece, number, name, at)
            content = _content(shell, container, folder, name)
            target.store.put(target.folder + made.object, encrypted(_packed(content), target.settings.recipients))
            end = number
    if end >= 0:
        mark = continuous.until_of(piece, end, at)
        target.store.put(target.folder + mark.object, iter((b"\n",)))
        for item in known.untils:  # the one before a gap stays: it says how far that piece reaches
            if item.piece == piece and item.object != mark.object and not gap and item.number >= _begin(known, piece):
                target.store.remove(target.folder + item.object)
    return Archived(at if end >= 0 else before.until, ctx.ledger.now(), "", gap or before.gap)


def _content(shell: DatabaseClient, container: str, folder: str, name: str) -> Iterator[bytes]:
    try:
        yield from file_of(shell.ctx.runtime.get(container, f"{folder}/{name}"), name)
    except FileNotFoundError as error:
        raise BackupFailed(
            f"{container} has no file {folder}/{name}", hint="its data must be in a volume, not in a tmpfs"
        ) from error


def _begin(known: continuous.Archive, piece: str) -> int:
    """Number of the first segment after the last gap."""
    begin = previous = -2
    for item in known.segments:
        if item.piece == piece:
            begin = item.number if item.number != previous + 1 else begin
            previous = item.number
    return begin


def _ask(
    shell: DatabaseClient, container: str, words: tuple[str, str]
) -> tuple[str, float, str, list[tuple[int, str]]]:
    """The piece, the time, the folder, and the segments that the server keeps."""
    lines = _run(shell, container, shell.server.command("archive", *words))
    segments = []
    found: tuple[str, float, str] | None = None
    for line in lines:
        mark, *rest = line.split(" ", 3)
        if mark == "shipway-archive":
            found = (rest[0], float(rest[1]), rest[2])
        elif mark == "shipway-segment":
            segments.append((int(rest[0]), rest[1]))
    if found is None:
        raise BackupFailed(f"the {shell.server.product} of {shell.environment} did not say what it keeps")
    return (*found, segments)


def _run(shell: DatabaseClient, container: str, command: tuple[str, ...]) -> list[str]:
    code, output = shell.ctx.runtime.execute(container, command, timeout=TIMEOUT)
    lines = output.strip().splitlines()
    if code != 0:
        raise BackupFailed(
            f"the log of changes of {container} can't be stored:\n  " + "\n  ".join(lines[-LAST:]),
            hint="the server keeps it meanwhile; the next attempt continues there",
        )
    return lines


def _packed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """In the format of gzip."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    for chunk in chunks:
        if data := packer.compress(chunk):
            yield data
    yield packer.flush()


def bases(ctx: Context, target: Target) -> list[Base]:
    """Those of recorded backups that are, or may be, in the store."""
    known = ctx.ledger.backups(target.app, target.environment)
    return [
        item.manifest.base
        for item in known
        if item.manifest.base and item.outcome in (STORED, PENDING) and item.store == target.settings.to
    ]


def remove_unneeded(ctx: Context, target: Target) -> None:
    """Remove what no kept backup needs. A store that fails here doesn't fail the backup: the next one tries again."""
    found = bases(ctx, target)
    if not found:
        return
    try:
        for item in continuous.unneeded(stored(target), found):
            target.store.remove(target.folder + item)
    except BackupFailed as error:
        ctx.reporter.note(
            f"a part of the log of changes is no longer needed, but could not be removed: {error.message}"
        )


def close_gap(ctx: Context, app: str, environment: str) -> None:
    """A backup was taken: times after it can be restored."""
    state = archived(ctx, app, environment)
    if state is not None and state.gap:
        record(ctx, app, environment, dataclasses.replace(state, gap=""))


def archive_due(ctx: Context, app: str | None = None) -> None:
    """Store what is due in all environments. Errors of one don't stop the others, and are raised together at the end."""
    everywhere(ctx, app, partial(_due, ctx))


def _due(ctx: Context, app: str, environment: str) -> None:
    here, state, now = live(ctx, app, environment), archived(ctx, app, environment), ctx.ledger.now()
    if here is None or is_held(ctx.ledger.lease(names.archive_lock(app, environment)), now):
        return
    settings = here.place.backups.continuous if here.place.backups else None
    if settings is None:
        if state is not None and runs_here(ctx.on(here.host), app, environment):
            _end(ctx, app, environment)
        return
    if state is None or not state.due(settings, now) or not runs_here(ctx.on(here.host), app, environment):
        return  # the first backup begins it
    archive(ctx, app, environment)


def _end(ctx: Context, app: str, environment: str) -> None:
    """The plan no longer wants it: the server needs to keep nothing."""
    with fenced(ctx, names.archive_lock(app, environment), "log of changes") as own:
        now, release, where = serving(own, app, environment)
        shell = shell_of(own.on(where.hosts[0].name), now, release, where)
        if shell.server.continuous and not shell.accessory.external:
            container = names.accessory(app, environment, shell.accessory.name)
            _run(shell, container, shell.server.command("unarchive"))
        record(own, app, environment, None)
