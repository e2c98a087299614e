"""Shared base of tools that identify migrations by ordered names."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.domain.own_tables import OwnTables, OwnTablesCache
from shipway.domain.value import dataclass
from shipway.ports import OnLine

_TAIL = 8
_FRAME = re.compile(
    r"\s{2,}at |\s+from \S+:\d+:in |#\d+ \S"
)  # of Node, Bun, Ruby and PHP, which print the message first
_FIX_UP = "correct the migration and release again: it continues from the current schema revision"
_FIX_DOWN = "correct the down migration and release again, or restore the database from a snapshot"


@dataclass(frozen=True)
class History:
    """All migrations of an image, oldest first, and those that a database has."""

    available: tuple[str, ...]
    applied: frozenset[str]

    @property
    def current(self) -> str | None:
        return next((name for name in reversed(self.available) if name in self.applied), None)

    def pending(self) -> list[str]:
        """Reject a migration older than applied ones: other databases would apply them in a different order."""
        missing = [name for name in self.available if name not in self.applied]
        current = self.current
        late = [name for name in missing if current and self.available.index(name) < self.available.index(current)]
        if late:
            raise MigrationFailed(
                f"older than the current revision {current}, but not applied: {', '.join(late)}",
                hint="rename them to follow the newest one, so that every database applies them in the same order",
            )
        return missing

    def to_apply(self, to: str | None) -> list[str]:
        """What `up` to and including `to` (None: all) applies, oldest first."""
        missing = self.pending()
        if to is None:
            return missing
        if to not in self.available:
            raise MigrationFailed(
                f"can't migrate up to {to}: the image has no such migration; the schema is at {self.where}"
            )
        return [name for name in missing if self.available.index(name) <= self.available.index(to)]

    def to_revert(self, to: str | None) -> list[str]:
        """What `down` to `to` (None: nothing applied) reverts, newest first."""
        if to is not None and to not in self.applied:
            raise MigrationFailed(
                f"can't migrate down to {to}: it isn't applied; the schema is at {self.where}",
                hint="choose a migration that is applied",
            )
        floor = self.available.index(to) if to is not None else -1
        return [name for name in reversed(self.available[floor + 1 :]) if name in self.applied]

    @property
    def where(self) -> str:
        return self.current or "no revision: nothing is applied"


class Named(ABC):
    """See ports.DatabaseTool. A revision is the name of a migration. Subclasses define how the tool is queried and
    run."""

    _cache: OwnTablesCache

    def head(self) -> str | None:
        available = self._available()
        return available[-1] if available else None

    def current(self) -> str | None:
        return self._history().current

    def pending(self) -> list[str]:
        return self._history().pending()

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        history = self._history()
        names = history.to_apply(to)
        if names:
            code, output = self._apply(names, names == history.pending())
            self._finish("migration", names, code, output, on_line)

    def down(self, to: str | None, on_line: OnLine) -> None:
        names = self._history().to_revert(to)
        downs = self._down_migrations(names)
        if lacking := [name for name in names if downs.get(name, ("", "")) is None]:
            raise Irreversible(
                f"missing or empty down migration: {', '.join(lacking)}; nothing was reverted",
                hint="write the down migration, or restore the database from a snapshot",
            )
        if names:
            code, output = self._revert(names)
            self._finish("the down migration of", names, code, output, on_line)

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        return dict(down for down in self._down_migrations(revisions).values() if down is not None)

    def _history(self) -> History:
        available, applied = tuple(self._available()), frozenset(self._applied())
        if unknown := sorted(applied - set(available)):
            raise MigrationFailed(
                f"the database has {', '.join(unknown)} applied, which the image lacks",
                hint="a newer or different release migrated this database: deploy one that has it",
            )
        return History(available, applied)

    def _finish(self, what: str, names: Sequence[str], code: int, output: str, on_line: OnLine) -> None:
        lines = output.splitlines()
        for text in lines:
            on_line(text.rstrip())
        if code == 0:
            return
        up, first, where = what == "migration", names[0], "the schema's revision could not be read afterwards"
        try:
            history = self._history()
            first = next((name for name in names if (name in history.applied) is not up), first)
            where = f"the schema is now at {history.where}"
        except MigrationFailed:
            pass  # the first failure is reported
        raise MigrationFailed(
            f"{what} {self._culprit(output) or first} failed; {where}\n{reason(lines)}",
            hint=_FIX_UP if up else _FIX_DOWN,
        )

    def _culprit(self, output: str) -> str | None:
        """The migration that failed, if the tool reports it; else it is the first one not applied."""
        return None

    def own_tables(self) -> OwnTables:
        if self._cache.found is None:
            self._cache.found = OwnTables(history=frozenset(self._history_tables()))
        return self._cache.found

    @abstractmethod
    def _history_tables(self) -> Collection[str]:
        """Names of the migration history tables, without a schema. Asked once for an image; needs no database."""

    @abstractmethod
    def _available(self) -> Sequence[str]:
        """All migrations of the image, oldest first. Needs no database."""

    @abstractmethod
    def _applied(self) -> Collection[str]:
        """All applied migrations, including those that the image lacks. MigrationFailed if they can't be queried."""

    @abstractmethod
    def _apply(self, names: Sequence[str], all_pending: bool) -> tuple[int, str]:
        """Apply these, oldest first; returns exit code and output. `all_pending`: there are no others."""

    @abstractmethod
    def _revert(self, names: Sequence[str]) -> tuple[int, str]:
        """Revert these, newest first; exit code and output."""

    @abstractmethod
    def _down_migrations(self, names: Sequence[str]) -> Mapping[str, tuple[str, str] | None]:
        """Path and text of down migrations by name; None if missing or empty; no entry if unknown. Needs no
        database."""


def reason(lines: Iterable[str]) -> str:
    """The relevant part of a failed command's output: its last lines, without stack frames."""
    useful = [line.rstrip() for line in lines if line.strip() and not _FRAME.match(line)]
    return "\n".join(useful[-_TAIL:]) or "it printed nothing"
