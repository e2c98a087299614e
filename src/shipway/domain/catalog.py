"""A database's schema as read from its catalogs, and the differences between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass

ADDITIVE, REVIEW, BREAKING = "additive", "review", "breaking"  # of a schema change with code that knows the old schema


@dataclass(frozen=True)
class Entry:
    """One object: a table, a column, a constraint, an index, a privilege …"""

    kind: str
    name: str  # unique within its kind, as a person would write it: public.items.price
    facets: Mapping[str, str] = field(default_factory=dict)  # its properties: type, null, default, definition …


@dataclass(frozen=True)
class Catalog:
    """All objects that users created in a database, by (kind, name). Two databases with equal catalogs have the same
    schema.

    The order of a table's columns is kept separately, in `order`: code that names its columns never sees it.
    """

    entries: Mapping[tuple[str, str], Entry] = field(default_factory=dict)
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # columns by table


@dataclass(frozen=True)
class Difference:
    """How one object differs."""

    change: str  # added, removed, changed
    kind: str
    name: str
    facets: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # before and after, "" if absent

    def __str__(self) -> str:
        changed = self.facets.items() if self.change == "changed" else ()
        how = "; ".join(f"{name}: {before or '(none)'} → {after or '(none)'}" for name, (before, after) in changed)
        return f"{self.kind} {self.name} {self.change}{': ' if how else ''}{how}"


@dataclass(frozen=True)
class Content:
    """A summary of a table's rows."""

    rows: int
    columns: Mapping[str, str] = field(default_factory=dict)  # a checksum for each, independent of the order of rows
    whole: str = ""  # a checksum of whole rows, if these have no key that is part of the columns' checksums


def compare(before: Catalog, after: Catalog) -> tuple[Difference, ...]:
    """All differences that lead from `before` to `after`, by kind and name, without the order of columns."""
    found = []
    for key in sorted(before.entries.keys() | after.entries.keys()):
        old, new = before.entries.get(key), after.entries.get(key)
        change = "added" if old is None else "removed" if new is None else "changed"
        facets = _facets(old.facets if old else {}, new.facets if new else {})
        if change != "changed" or facets:
            found.append(Difference(change, *key, facets))
    return tuple(found)


def reordered(before: Catalog, after: Catalog) -> tuple[str, ...]:
    """Tables whose columns are the same in a different order."""
    both = before.order.keys() & after.order.keys()
    return tuple(
        sorted(
            table
            for table in both
            if before.order[table] != after.order[table] and sorted(before.order[table]) == sorted(after.order[table])
        )
    )


def _facets(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = [*before, *(name for name in after if name not in before)]
    return {
        name: (before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    }
