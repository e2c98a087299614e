"""The difference between the observed and the desired state, as text to read, approve and compare in tests."""

from __future__ import annotations

from dataclasses import field

from shipway.domain.container import ContainerSpec
from shipway.domain.release import digest_of
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Change:
    """One change, about one call to one system, with its cause."""

    verb: str  # create, start, replace, restore, drain, stop, remove, migrate, revert, seed, run, switch
    kind: str  # accessory, container, database, task, route, edge
    name: str
    cause: str
    spec: ContainerSpec | None = field(default=None, compare=False, repr=False)
    dangerous: bool = False  # needs --force
    host: str = ""  # set if there are several hosts

    @property
    def urgent(self) -> bool:
        """Whether it must be made now; outgoing releases stop later, when their requests have completed."""
        return self.kind != "container" or self.verb not in ("stop", "remove", "drain")


@dataclass(frozen=True)
class Changeset:
    """All changes in the order of their application."""

    title: str
    changes: tuple[Change, ...]
    rules: tuple[str, ...] = ()  # how the rules in force change, see domain.rules.differences

    def __bool__(self) -> bool:
        return bool(self.changes)

    def of(self, kind: str, *verbs: str) -> tuple[Change, ...]:
        """The changes of a kind with one of these verbs."""
        return tuple(change for change in self.changes if change.kind == kind and change.verb in verbs)

    @property
    def digest(self) -> str:
        """A digest that is equal for equal text."""
        return digest_of(self.render())

    def data(self) -> dict[str, object]:
        """As plain data for programs, without specifications of containers."""
        keys = ("host", "verb", "kind", "name", "cause", "dangerous")
        changes = [{key: getattr(change, key) for key in keys} for change in self.changes]
        return {"title": self.title, "changes": changes, "rules": list(self.rules)}

    def render(self) -> str:
        """Render as stable text, one line per change."""
        if not self.changes:
            return f"{self.title}\n  nothing to do"
        parts = ("host", "verb", "kind", "name")
        widths = [max(len(getattr(change, part)) for change in self.changes) for part in parts]
        lines = [self.title]
        for change in self.changes:
            mark = {
                "create": "+",
                "start": "+",
                "restore": "+",
                "remove": "-",
                "stop": "-",
                "drain": "-",
                "revert": "-",
            }.get(change.verb, "~")
            columns = [getattr(change, part) for part in parts]
            cells = "  ".join(text.ljust(width) for text, width in zip(columns, widths, strict=True) if width)
            warning = "  [needs --force]" if change.dangerous else ""
            lines.append(f"  {mark} {cells}  {change.cause}{warning}")
        if self.rules:
            lines += ["  this release changes the rules in force", *(f"  ! {text}" for text in self.rules)]
        return "\n".join(lines)
