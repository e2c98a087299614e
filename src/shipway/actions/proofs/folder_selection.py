"""Which migrations of a folder are verified. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath

from shipway.domain.errors import ProofError, UsageError
from shipway.domain.value import dataclass

_ENDING = re.compile(r"(\.(up|down|undo|do))?(\.[a-z]+){1,2}$", re.IGNORECASE)  # of V1__name.sql.conf, 0001_name.up.sql


@dataclass(frozen=True)
class Listed:
    """A migration of a folder: its revision, and by what else it is found."""

    revision: str
    name: str = ""
    files: tuple[str, ...] = ()  # relative to the folder
    reason: str = ""  # why it is skipped
    position: int = 0  # of a skipped one: the number of migrations before it

    @property
    def label(self) -> str:
        """For people: revision and name."""
        return self.revision if self.name in ("", self.revision) else f"{self.revision} {self.name}"


@dataclass(frozen=True)
class Selection:
    """At most one of them is given; nothing selects all migrations."""

    first: str | None = None  # this one and those after it
    since: str | None = None  # those after this one
    only: tuple[str, ...] = ()
    changed: frozenset[str] | None = None  # those with these files, relative to the folder

    def __post_init__(self) -> None:
        given = [self.first is not None, self.since is not None, bool(self.only), self.changed is not None]
        if sum(given) > 1:
            raise UsageError("--from, --since, --only and --changed can't be combined")


def select(migrations: Sequence[Listed], skipped: Sequence[Listed], selection: Selection) -> tuple[int, ...]:
    """The indexes of the selected migrations, ascending. ProofError if the folder lacks one that is named."""
    count = len(migrations)
    if selection.first is not None:
        return tuple(range(_find(migrations, selection.first), count))
    if selection.since is not None:
        return tuple(range(_find(migrations, selection.since) + 1, count))
    if selection.only:
        named = [name for name in selection.only if not any(_is(item, name) for item in skipped)]
        return tuple(sorted({_find(migrations, name) for name in named}))
    if selection.changed is not None:
        return tuple(index for index, item in enumerate(migrations) if _has(item, selection.changed))
    return tuple(range(count))


def select_skipped(migrations: Sequence[Listed], skipped: Sequence[Listed], selection: Selection) -> tuple[Listed, ...]:
    """Those of the skipped migrations that are selected."""
    if selection.only:
        return tuple(item for item in skipped if any(_is(item, name) for name in selection.only))
    if selection.changed is not None:
        return tuple(item for item in skipped if _has(item, selection.changed))
    begin = selection.first if selection.first is not None else selection.since
    last = -1 if begin is None else _find(migrations, begin)  # those after it are selected
    return tuple(item for item in skipped if item.position > last)


def _has(item: Listed, changed: Collection[str]) -> bool:
    """Whether one of these files belongs to a migration: also a removed down file, or the settings beside it."""
    return any(file in changed or any(_belong(file, path) for path in changed) for file in item.files)


def _belong(file: str, other: str) -> bool:
    """Whether two files are of one migration: the same folder of its own, or names that differ in their endings only."""
    one, two = PurePosixPath(file), PurePosixPath(other)
    if one.parent != two.parent:
        return False
    return _stem(one.name) == _stem(two.name) or one.name in ("up.sql", "migration.sql")


def _stem(name: str) -> str:
    """`0012_items` of 0012_items.down.sql; `1__items` of V1__items.sql and U1__items.sql."""
    return re.sub(r"^[VU](?=\d)", "", _ENDING.sub("", name))


def _find(migrations: Sequence[Listed], desired: str) -> int:
    """The index of the one with this revision, path or name."""
    kinds: tuple[Callable[[Listed, str], bool], ...] = (_is_revision, _is_file, _is_name)
    for matches in kinds:
        found = [index for index, item in enumerate(migrations) if matches(item, desired)]
        if len(found) > 1:
            listed = ", ".join(migrations[index].revision for index in found)
            raise ProofError(f"the folder has several migrations {desired}: {listed}", hint="name one by its version")
        if found:
            return found[0]
    hint = f"it has {migrations[0].label} to {migrations[-1].label}" if migrations else ""
    raise ProofError(f"the folder has no migration {desired}", hint=hint)


def _is(item: Listed, desired: str) -> bool:
    return _is_revision(item, desired) or _is_file(item, desired) or _is_name(item, desired)


def _is_revision(item: Listed, desired: str) -> bool:
    """With or without leading zeros."""
    same = desired.isdigit() and item.revision.isdigit() and int(desired) == int(item.revision)
    return desired == item.revision or same


def _is_file(item: Listed, desired: str) -> bool:
    """By its path in the folder, or by a longer one that ends in it."""
    path = "/" + desired.removeprefix("./").rstrip("/")
    places = {*item.files, *(str(PurePosixPath(file).parent) for file in item.files if "/" in file)}
    return any(path.endswith(f"/{place}") for place in places)


def _is_name(item: Listed, desired: str) -> bool:
    return desired in (item.name, item.label, f"{item.revision}_{item.name}", *map(_named, item.files))


def _named(file: str) -> str:
    """`0012_items` of 0012_items.up.sql."""
    return _ENDING.sub("", PurePosixPath(file).name)
