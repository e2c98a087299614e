"""Shared base of tools that identify migrations by ordered names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.ports import OnLine

_TAIL = 8
_FIX_UP = "correct the migration and release again: it goes on from where the schema is"
_FIX_DOWN = "correct the down script and release again, or restore the database from a snapshot"


@dataclass(frozen=True)
class Line:
    """All migrations of an image, oldest first, and those that a database has."""

    brought: tuple[str, ...]
    applied: frozenset[str]

    @property
    def current(self) -> str | None:
        return next((name for name in reversed(self.brought) if name in self.applied), None)

    def pending(self) -> list[str]:
        """Reject a migration older than applied ones: other databases would apply them in a different order."""
        missing = [name for name in self.brought if name not in self.applied]
        current = self.current
        late = [name for name in missing if current and self.brought.index(name) < self.brought.index(current)]
        if late:
            raise MigrationFailed(
                f"not applied, but older than {current}, where the schema is: {', '.join(late)}",
                hint="name them after the newest one, so that every database goes the same way",
            )
        return missing

    def entering(self, to: str | None) -> list[str]:
        """What `up` to and including `to` (None: all) applies, oldest first."""
        missing = self.pending()
        if to is None:
            return missing
        if to not in self.brought:
            raise MigrationFailed(
                f"can't go up to {to}: the image has no such migration (the schema is at {self.where})"
            )
        return [name for name in missing if self.brought.index(name) <= self.brought.index(to)]

    def leaving(self, to: str | None) -> list[str]:
        """What `down` to `to` (None: nothing applied) reverts, newest first."""
        if to is not None and to not in self.applied:
            raise MigrationFailed(
                f"can't go down to {to}: it isn't applied; the schema is at {self.where}",
                hint="choose a migration that is applied",
            )
        floor = self.brought.index(to) if to is not None else -1
        return [name for name in reversed(self.brought[floor + 1 :]) if name in self.applied]

    @property
    def where(self) -> str:
        return self.current or "no revision: nothing is applied"


class Named(ABC):
    """See ports.DatabaseTool. A revision is the name of a migration. Subclasses define how the tool is queried and
    run."""

    def head(self) -> str | None:
        brought = self._brought()
        return brought[-1] if brought else None

    def current(self) -> str | None:
        return self._line().current

    def pending(self) -> list[str]:
        return self._line().pending()

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        line = self._line()
        names = line.entering(to)
        if names:
            code, output = self._apply(names, names == line.pending())
            self._settle("migration", names, code, output, on_line)

    def down(self, to: str | None, on_line: OnLine) -> None:
        names = self._line().leaving(to)
        ways = self._ways_down(names)
        if lacking := [name for name in names if ways.get(name, ("", "")) is None]:
            raise Irreversible(
                f"no way down, or an empty one, in {', '.join(lacking)}; nothing was reverted",
                hint="write it, or restore the database from a snapshot",
            )
        if names:
            code, output = self._revert(names)
            self._settle("the way down of", names, code, output, on_line)

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        return dict(way for way in self._ways_down(revisions).values() if way is not None)

    def _line(self) -> Line:
        brought, applied = tuple(self._brought()), frozenset(self._applied())
        if unknown := sorted(applied - set(brought)):
            raise MigrationFailed(
                f"the database has {', '.join(unknown)} applied, which the image doesn't have",
                hint="a newer or another release migrated this database: deploy one that has it",
            )
        return Line(brought, applied)

    def _settle(self, what: str, names: Sequence[str], code: int, output: str, on_line: OnLine) -> None:
        lines = output.splitlines()
        for text in lines:
            on_line(text.rstrip())
        if code == 0:
            return
        up, first, where = what == "migration", names[0], "the schema's revision could not be read afterwards"
        try:
            line = self._line()
            first = next((name for name in names if (name in line.applied) is not up), first)
            where = f"the schema is now at {line.where}"
        except MigrationFailed:
            pass  # the first failure is reported
        raise MigrationFailed(
            f"{what} {self._culprit(output) or first} failed; {where}\n{reason(lines)}",
            hint=_FIX_UP if up else _FIX_DOWN,
        )

    def _culprit(self, output: str) -> str | None:
        """The migration that failed, if the tool reports it; else it is the first one not applied."""
        return None

    @abstractmethod
    def _brought(self) -> Sequence[str]:
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
    def _ways_down(self, names: Sequence[str]) -> Mapping[str, tuple[str, str] | None]:
        """Path and text of down migrations by name; None if missing or empty; no entry if unknown. Needs no
        database."""


def reason(lines: Iterable[str]) -> str:
    """The relevant part of a failed command's output: its last lines, without stack frames."""
    useful = [line.rstrip() for line in lines if line.strip() and not line.startswith("    at ")]
    return "\n".join(useful[-_TAIL:]) or "it printed nothing"
