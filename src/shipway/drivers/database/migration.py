"""Migrations as SQL scripts, and what a folder of them contains."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from shipway.domain.value import dataclass

NO_TRANSACTION = "-- shipway: no-transaction"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def without_comments(text: str) -> str:
    """An approximation: breaks strings that contain `--`."""
    return _COMMENT.sub("", text)


@dataclass(frozen=True)
class SqlFile:
    """A file, or its part for one direction; `path` is relative to the folder."""

    path: str
    text: str
    alone: bool = False  # marked by its layout to run without a transaction

    @property
    def empty(self) -> bool:
        """Whether it contains only comments."""
        return not without_comments(self.text).strip()

    @property
    def transaction(self) -> bool:
        """Whether it may run in a transaction, which some statements (CREATE INDEX CONCURRENTLY) can't."""
        return not self.alone and not self.text.lstrip().lower().startswith(NO_TRANSACTION)


@dataclass(frozen=True)
class Callbacks:
    """Scripts that the tool runs around migrations in one direction."""

    before: tuple[SqlFile, ...] = ()  # once, before the first one
    before_each: tuple[SqlFile, ...] = ()  # in the migration's transaction
    after_each: tuple[SqlFile, ...] = ()  # likewise
    check_each: tuple[SqlFile, ...] = ()  # after the migration's transaction
    after: tuple[SqlFile, ...] = ()  # once, after the last one

    @property
    def files(self) -> tuple[SqlFile, ...]:
        return (*self.before, *self.before_each, *self.after_each, *self.check_each, *self.after)


@dataclass(frozen=True)
class Migration:
    """One version: its up file, and its down file if there is one."""

    version: str
    name: str
    up: SqlFile
    down: SqlFile | None
    remedy: str = ""  # how to add a down migration if the tool itself has none
    around_up: Callbacks = Callbacks()
    around_down: Callbacks = Callbacks()

    @property
    def checksum(self) -> str:
        """SHA-256 of the up file."""
        return hashlib.sha256(self.up.text.encode()).hexdigest()

    @property
    def paths(self) -> tuple[str, ...]:
        """Its files, without callbacks."""
        return tuple(dict.fromkeys(file.path for file in (self.up, self.down) if file is not None))


@dataclass(frozen=True)
class Skipped:
    """A migration, or a file, that can't be verified."""

    name: str  # the version if known, else the path relative to the folder
    path: str  # relative to the folder
    reason: str  # such as: written in Go
    position: int = 0  # number of migrations before it


@dataclass(frozen=True)
class Contents:
    """What a folder of migrations holds."""

    folder: Path  # where the files are: a subfolder, if the given one is a parent
    layout: str  # a name of LAYOUTS, or "alembic", "django"
    dialect: str | None  # of folders with several, or that the tool's settings name
    migrations: tuple[Migration, ...]  # in the order in which the tool applies them
    skipped: tuple[Skipped, ...]  # in the place they'd have by name
    ignored: tuple[str, ...] = ()  # stray files that the tool itself ignores


def order(version: str) -> tuple[int, ...]:
    """Sort key: versions are numbers, regardless of padding; 1.10 comes after 1.9, and 1.0 is 1."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
