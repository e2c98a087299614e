"""Backups of an environment: the plan's settings, what the ledger records, which ones are kept, and which is due. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, tzinfo

from shipway.domain.size import readable
from shipway.domain.value import dataclass

READ, RESTORE = "read", "restore"  # how the stored copy is verified
STORED, FAILED, PENDING, REMOVED = "stored", "failed", "pending", "removed"  # outcomes
DEPLOY, MIGRATIONS = "deploy", "migrations"  # before what a verified backup is required
BASE = "base"  # the part with all files of the server, from which a time is restored
MANIFEST = "manifest"  # the object that makes a backup visible: written last, removed first
SUFFIX = ".age"
DATABASE = "database"
S3 = "s3://"
ATTEMPTS = 3  # of a due backup
NAMED = re.compile(r"\d{8}T\d{6}Z-")  # begins names of backups
ABANDONED = 86400.0  # seconds after which what another ledger left is no upload in progress
PAUSE = 600.0  # seconds between them
SKEW = 60.0  # seconds that a time may be ahead of the clock; one that is more was written by a clock that was set back since


@dataclass(frozen=True)
class Keep:
    """How many days, weeks and months with a backup keep their newest one."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 6


@dataclass(frozen=True)
class Required:
    """What a deployment needs: a verified backup of at most this age."""

    max_age: float  # seconds
    before: str = DEPLOY  # or MIGRATIONS: only releases that change the schema


@dataclass(frozen=True)
class Continuous:
    """What lets a restore bring back any time: the server's log of changes is stored as well."""

    every: float = 300.0  # seconds after which `shipway tick` stores what has been written


@dataclass(frozen=True)
class Backups:
    """Where and when an environment is backed up."""

    to: str  # a folder of the machine that runs Shipway, or s3://bucket/prefix
    recipients: tuple[str, ...] = ()  # public keys; whoever has a private key of one can read the backups
    at: str | None = None  # five fields as in a crontab; None: only by `shipway backup`
    zone: str = "UTC"
    keep: Keep = Keep()
    verify: str = READ
    volumes: tuple[str, ...] | None = None  # names; None: those that snapshots include
    key: str | None = None  # secret with a private key: only needed to restore and verify without a person
    endpoint: str | None = None  # URL of an S3-compatible store; None: that of AWS
    region: str = "us-east-1"
    access_key: str | None = None  # secret with the id of the store's access key
    secret_key: str | None = None  # secret with the access key itself
    require: Required | None = None
    continuous: Continuous | None = None
    verify_every: float | None = None  # seconds after which `shipway tick` verifies the newest one again; None: never

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of its secrets. No service gets them."""
        return tuple(name for name in (self.key, self.access_key, self.secret_key) if name)

    @property
    def reach(self) -> list[str]:
        """Where data goes, who can read it and what is deleted: texts for the rules."""
        keep = f"keep {self.keep.daily} {self.keep.weekly} {self.keep.monthly}"
        texts = [f"to {self.to}", keep, f"verify {self.verify}", f"region {self.region}"]
        texts.append(f"recipients {', '.join(sorted(self.recipients))}")  # as a whole: none may be dropped either
        named = {
            "key": self.key,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "endpoint": self.endpoint,
        }
        return texts + [f"{key} {value}" for key, value in named.items() if value]


@dataclass(frozen=True)
class Part:
    """One file of a backup."""

    name: str  # `database`, or `volume-NAME`
    size: int  # bytes, before encryption
    digest: str  # sha256, before encryption
    stored: int = 0  # bytes in the store
    sealed: str = ""  # sha256 in the store

    @property
    def object(self) -> str:
        """Its name in the backup's folder of the store."""
        return f"{self.name}{SUFFIX}"


@dataclass(frozen=True)
class Base:
    """Where the server's log of changes begins that belongs to the part `base` of a backup."""

    piece: str  # the log of one server without a break
    first: int  # number of the first segment that is needed
    ended: float  # seconds since the epoch, by the server's clock: no earlier time can be restored from it
    data: int  # bytes of the server's files


@dataclass(frozen=True)
class Manifest:
    """What a backup consists of, stored encrypted beside its parts."""

    app: str
    environment: str
    name: str  # unique; begins with the time of the controller's clock
    at: float  # seconds since the epoch: when the dump began
    release: int
    schema: str | None
    kind: str  # of the database's accessory
    image: str  # whose programs wrote the dump
    rows: Mapping[str, int] = field(default_factory=dict)  # by table, counted in a restored copy
    parts: tuple[Part, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)  # by volume: number of files
    shape: str = ""  # sha256 of the schema in that copy, as text
    incomplete: tuple[str, ...] = ()  # volumes whose files changed while they were copied
    version: int = 1
    base: Base | None = None
    lacks: Mapping[str, str] = field(default_factory=dict)  # parts that failed, and why

    @property
    def folder(self) -> str:
        """Its folder in the store."""
        return f"{folder_of(self.app, self.environment)}{self.name}/"

    @property
    def size(self) -> int:
        """Bytes in the store."""
        return sum(part.stored for part in self.parts)


@dataclass(frozen=True)
class Backup:
    """One backup as the ledger records it."""

    id: int
    manifest: Manifest
    store: str  # `to` of the plan
    actor: str
    reason: str
    started: float  # seconds since the epoch
    due: float | None = None  # of one that was due: its time
    outcome: str = PENDING
    finished: float | None = None
    detail: str = ""  # why it failed
    digest: str = ""  # sha256 of the stored manifest
    verified: float | None = None  # when its stored copy was last verified
    how: str = ""  # how it was
    problem: str = ""  # why the last verification failed

    @property
    def name(self) -> str:
        """Its name in commands."""
        return self.manifest.name

    @property
    def good(self) -> bool:
        """Whether it is complete and its last verification succeeded."""
        return self.outcome == STORED and self.verified is not None and not self.problem

    @property
    def state(self) -> str:
        """One word for lists."""
        if self.outcome == STORED:
            return "damaged" if self.problem else "verified" if self.verified is not None else "not verified"
        return self.outcome


def folder_of(app: str, environment: str) -> str:
    """The folder of an environment's backups in the store. An empty app: of the ledger's, which no app can have."""
    return f"{app}/{environment}/" if app else "_ledger/"


def time_of(at: datetime) -> str:
    """Begins the name of a backup of that time, in UTC."""
    return f"{at:%Y%m%dT%H%M%SZ}"


def name_of(at: datetime, unique: str, ledger: str = "") -> str:
    """The name of a new backup: sorts by time. at: in UTC. ledger: the identity of the ledger, of a backup of it."""
    return "-".join([time_of(at), *([ledger[:8]] if ledger else []), unique[:6]])


def by_ledger(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of backups of ledgers, in their order, by the beginning of the ledger's identity; empty: of older versions."""
    found: dict[str, list[str]] = {}
    for name in names:
        words = name.split("-")
        found.setdefault(words[1] if len(words) == 3 else "", []).append(name)
    return found


def removable(backups: Sequence[Backup], keep: Keep, zone: tzinfo) -> list[Backup]:
    """The stored backups that are no longer needed, oldest first: grandfather, father, son.

    Each of the newest days, weeks and months that have a good backup keeps its newest good one. The last good backup is
    always kept. Others (not verified, or damaged) are kept while they are newer than that: they say what is wrong. A damaged
    one that was good once takes no place of a good one, but stays as long as if it were: parts of it may be readable.
    """
    stored = sorted((item for item in backups if item.outcome == STORED), key=_order)
    good = [item for item in stored if item.good]
    if not good:
        return []
    once = [item for item in stored if item.verified is not None]
    complete = [item for item in good if not item.manifest.lacks]  # one that lacks a part takes no place of these
    kept = {good[-1].id, *(item.id for item in complete[-1:])}
    kept |= _newest(good, keep, zone) | _newest(once, keep, zone) | _newest(complete, keep, zone)
    return [item for item in stored if item.id not in kept and _order(item) < _order(good[-1])]


def _newest(backups: Sequence[Backup], keep: Keep, zone: tzinfo) -> set[int]:
    """Ids of the newest of each of the newest days, weeks and months. backups: oldest first."""
    found: set[int] = set()
    for count, period in (
        (keep.daily, lambda when: when.date()),
        (keep.weekly, lambda when: when.isocalendar()[:2]),
        (keep.monthly, lambda when: (when.year, when.month)),
    ):
        newest: dict[object, int] = {}
        for item in backups:
            when = period(datetime.fromtimestamp(item.started, zone))
            newest.pop(when, None)  # the period is as new as its newest one
            newest[when] = item.id
        found.update(list(newest.values())[-count:] if count else ())
    return found


def _order(item: Backup) -> int:
    """The ledger's, not that of a clock, which may have been set back."""
    return item.id


def last_good(backups: Iterable[Backup]) -> Backup | None:
    """The newest good one."""
    return max((item for item in backups if item.good), key=_order, default=None)


def due(times: Iterator[float], backups: Sequence[Backup], since: float, now: float) -> float | None:
    """The time of the backup that is due now; None if none is. At most one makes up for several missed ones.

    times: due times up to now, newest first. backups: of the environment, in any order. since: when the settings took
    effect: an environment without a backup has missed none before. A failed one, and one that lacks a part, is repeated after a
    pause, a few times; so is a pending one: callers ask only while the lock of the backups is free, so that its process has died.
    """
    at = next(times, None)
    begun = max((item.started for item in backups), default=None)
    if at is None or at <= (since if begun is None else min(since, begun)):
        return None
    own = [item for item in backups if item.due == at]
    done = [item for item in backups if item.outcome in (STORED, REMOVED) and not item.manifest.lacks]
    if any(item.due == at or at <= item.started <= now + SKEW for item in done):
        return None
    if len(own) >= ATTEMPTS or any(-SKEW <= now - (item.finished or item.started) < PAUSE for item in own):
        return None
    return at


@dataclass(frozen=True)
class Archived:
    """How far the log of changes is stored."""

    until: float | None = None  # all that was committed before is stored; None: nothing is
    tried: float = 0.0  # the last attempt
    problem: str = ""  # why it failed
    gap: str = ""  # what can't be restored, and why; empty once a backup began after it

    def due(self, settings: Continuous, now: float) -> bool:
        """Whether to store what is new now; a time that is ahead was recorded by a clock that was set back since."""
        return not -SKEW <= now - self.tried < settings.every

    def late(self, settings: Continuous, now: float) -> bool:
        """Whether attempts were missed, or have failed."""
        return self.until is None or not -SKEW <= now - self.until <= 3 * settings.every


@dataclass(frozen=True)
class Recheck:
    """The last attempt to verify the newest good backup again."""

    tried: float = 0.0
    problem: str = ""  # why it failed

    def due(self, newest: Backup, every: float, now: float) -> bool:
        """Whether to do it now. A failed attempt is repeated after a pause; a time that is ahead says nothing."""
        verified = newest.verified or 0.0
        return not -SKEW <= now - verified < every and not -SKEW <= now - self.tried < min(every, PAUSE)


@dataclass(frozen=True)
class BackupAge:
    """The state of an environment's backups, for `status`."""

    last: float | None  # start of the last good one; None: there is none
    late: bool  # whether a newer one should exist
    problem: str = ""  # why the newest one failed or is damaged
    lacks: str = ""  # which parts of the newest one failed, and why
    archived: Archived | None = None  # None without `continuous`
    archive_late: bool = False
    damaged: tuple[str, ...] = ()  # names of those that no longer are what was stored
    verified: float | None = None  # when the last good one was last verified
    recheck: str = ""  # why the last attempt to verify it again failed
    recheck_late: bool = False  # whether attempts were missed, or have failed


def age(times: Iterator[float], backups: Sequence[Backup], settings: Backups, since: float, now: float) -> BackupAge:
    """times: due times up to now, newest first; empty without a schedule."""
    found, newest = last_good(backups), max(backups, key=_order, default=None)
    problem = ""
    if newest is not None and not newest.good and newest.outcome != PENDING:
        problem = newest.problem or newest.detail or newest.state
    last = found.started if found else None
    next(times, None)  # the newest may be in progress
    before = next(times, None)
    late = before is not None and before > since and (last is None or last < before or last > now + SKEW)
    if settings.require is not None:
        late = late or last is None or not -SKEW <= now - last <= settings.require.max_age
    lacks = "; ".join(f"{part}: {why}" for part, why in newest.manifest.lacks.items()) if newest and newest.good else ""
    damaged = tuple(item.name for item in backups if item.outcome == STORED and item.problem)
    verified, every = found.verified if found else None, settings.verify_every
    overdue = every is not None and verified is not None and not -SKEW <= now - verified <= 2 * every
    return BackupAge(last, late, problem, lacks, damaged=damaged, verified=verified, recheck_late=overdue)


def refused(required: Required | None, backups: Sequence[Backup], now: float, *, migrates: bool) -> str:
    """Why a deployment may not begin; empty if it may. migrates: whether it changes the schema."""
    if required is None or (required.before == MIGRATIONS and not migrates):
        return ""
    found = last_good(backups)
    if found is None:
        return f"a verified backup of at most {_hours(required.max_age)} is required, and there is none"
    old = now - found.started
    if -SKEW <= old <= required.max_age:
        return ""
    if old < 0:
        return (
            f"a verified backup of at most {_hours(required.max_age)} is required, and the clock was {_hours(-old)} ahead when "
            "the last one was made: its age is unknown"
        )
    return f"a verified backup of at most {_hours(required.max_age)} is required, and the last one is {_hours(old)} old"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"


def compared(expected: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Differences between the rows that a backup recorded and those of a restored copy, one message a table."""
    lines = []
    for table in sorted({*expected, *found}):
        before, after = expected.get(table), found.get(table)
        if before != after:
            lines.append(
                f"{table}: {'missing' if after is None else f'{after} rows'}, recorded: {'none' if before is None else before}"
            )
    return lines


def leftovers(names: Collection[str], mine: Collection[str], before: datetime) -> list[str]:
    """Folders in the store (names of backups) without a manifest. names: of all objects, below the environment's folder.
    mine: backups of this ledger, of which none is in progress. Those of others may be, unless they began before that time
    (in UTC)."""
    folders = {name.split("/")[0] for name in names if "/" in name}
    complete = {name.split("/")[0] for name in names if name.endswith(f"/{MANIFEST}{SUFFIX}")}
    old = {name for name in folders if NAMED.match(name) and name < time_of(before)}
    return sorted((folders - complete) & (old | set(mine)))


def describe(item: Manifest) -> str:
    """What it contains, in one line."""
    volumes = [part for part in item.parts if part.name not in (DATABASE, BASE)]
    more = f", {len(volumes)} volume{'s' if len(volumes) > 1 else ''}" if volumes else ""
    return f"{sum(item.rows.values())} rows in {len(item.rows)} tables{more}, {readable(item.size)} stored"


def with_stored(manifest: Manifest, parts: Iterable[Part]) -> Manifest:
    """The manifest with what its parts became in the store."""
    return replace(manifest, parts=tuple(parts))
