"""Back up the ledger with the key of its secrets, and bring both back on a machine that has neither.

The settings are the operator's, and no plan's: whoever has the private key of a recipient can read the secrets of all apps.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shipway.actions.backups.content import read_manifest, read_part, store_part
from shipway.actions.backups.restore import newest, stored_names
from shipway.actions.backups.retention import remove_old
from shipway.actions.backups.take import begun, clean_up, finished, new_name, publish, recorded
from shipway.actions.backups.target import Target, require_there
from shipway.actions.environment.locks import fenced, is_held
from shipway.context import Context
from shipway.domain import names
from shipway.domain.backups import Backup, Backups, Manifest, Part, by_ledger, due, with_stored
from shipway.domain.errors import Damaged, OtherKey, UsageError
from shipway.domain.record import from_data, to_data
from shipway.ports import BackupStore
from shipway.system.cron import times_before

PROPERTY = "ledger-backups"  # of the ledger: the settings
LEDGER, KEY = "ledger", "key"  # the parts, and the files in the home folder
FILES = {LEDGER: "ledger.db", KEY: "key"}
CHUNK = 1 << 18
DRAFT = ".backup-"  # begins the name of a folder in the home


def settings(ctx: Context) -> Backups | None:
    """Where the ledger is backed up; None if that was never set."""
    text = ctx.ledger.property(PROPERTY)
    return from_data(Backups, json.loads(text)) if text else None


def set_settings(ctx: Context, given: Backups) -> None:
    """Keep them in the ledger, so that they come back with it."""
    ctx.ledger.replace_property(PROPERTY, json.dumps(to_data(given)))


def backup_ledger(ctx: Context, key: str | None, reason: str, *, due: float | None = None) -> Backup:
    """Take one now. key: of its secrets; None if it has none. UsageError without settings."""
    given = settings(ctx)
    if given is None:
        raise UsageError(
            "no place for backups of the ledger was set",
            hint="shipway backup --ledger --to FOLDER --recipient PUBLIC-KEY; see docs/backups.md",
        )
    with fenced(ctx, names.backups_lock("", ""), "backup of the ledger") as own:
        target = Target("", "", given, own.backup_store(given, ("", "")), None)
        known = own.ledger.backups("", "")
        for left in own.home.glob(f"{DRAFT}*"):  # of a process that died
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=DRAFT, dir=own.home) as folder:
            copy = Path(folder) / FILES[LEDGER]
            own.ledger.copy_to(str(copy))  # before the record: a restored ledger must not have it pending
            manifest = Manifest("", "", new_name(own, own.ledger.identity()), own.clock(), 0, None, LEDGER, "")
            with recorded(own, begun(own, target, manifest, reason, due), target) as record:
                require_there(target, known)
                clean_up(own, target, known)
                with own.part("store", given.to):
                    parts = [store_part(target, manifest, _part(LEDGER, copy), _content(copy))]
                    if key is not None:
                        data = key.encode()
                        part = Part(KEY, len(data), hashlib.sha256(data).hexdigest())
                        parts.append(store_part(target, manifest, part, iter((data,))))
                    record = publish(own, target, dataclasses.replace(record, manifest=with_stored(manifest, parts)))
                made = finished(own, target, record, None, "checked before it was encrypted")
        remove_old(own, target)
        return made


def due_ledger(ctx: Context) -> float | None:
    """The time of a backup of the ledger that is due."""
    given, now = settings(ctx), ctx.ledger.now()
    if given is None or given.at is None or is_held(ctx.ledger.lease(names.backups_lock("", "")), now):
        return None
    backups = ctx.ledger.backups("", "")
    return due(times_before(given.at, given.zone, now), backups, 0.0, now)


def restore_ledger(store: BackupStore, given: Backups, name: str, private: str, home: Path) -> Manifest:
    """Put the ledger and its key into a home folder without one. name: `latest` is the newest in the store. A process that
    dies leaves no ledger, or a whole one with its key."""
    for file in FILES.values():
        if (home / file).exists():
            raise UsageError(
                f"{home} has a {file} already; nothing was changed",
                hint="restore into a new folder: pass --home FOLDER",
            )
    target = Target("", "", given, store, private)
    manifest, _ = read_manifest(target, _latest(target, private) if name == "latest" else name, private)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=home) as folder:
        for part in manifest.parts:
            if part.name not in FILES:
                raise UsageError(
                    f"{manifest.name} has a part {part.name}, which only a newer Shipway can restore",
                    hint="update Shipway, see docs/install.md",
                )
            _write(Path(folder) / FILES[part.name], read_part(target, manifest, part, private))
        for file in (FILES[KEY], FILES[LEDGER]):  # the ledger last: with it, the home is complete
            if (Path(folder) / file).exists():
                (Path(folder) / file).replace(home / file)
    return manifest


def _latest(target: Target, private: str) -> str:
    """The newest of the only ledger in the store that the key reads. UsageError if there are several."""
    ledgers = {ledger: names[0] for ledger, names in by_ledger(stored_names(target)).items() if ledger}
    if len(ledgers) > 1:
        ledgers = {ledger: name for ledger, name in ledgers.items() if _readable(target, name, private)}
    if len(ledgers) > 1:
        listed = "\n".join(f"  {name}" for name in sorted(ledgers.values(), reverse=True))
        raise UsageError(
            f"{target.settings.to} has backups of {len(ledgers)} ledgers; the newest of each:\n{listed}",
            hint="choose one: pass --backup NAME",
        )
    return next(iter(ledgers.values()), None) or newest(target)


def _readable(target: Target, name: str, private: str) -> bool:
    try:
        read_manifest(target, name, private)
    except OtherKey:
        return False
    except Damaged:
        pass  # the key is the right one
    return True


def _part(name: str, path: Path) -> Part:
    found = hashlib.sha256()
    for chunk in _content(path):
        found.update(chunk)
    return Part(name, path.stat().st_size, found.hexdigest())


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _write(path: Path, chunks: Iterator[bytes]) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
