"""What a database's schema is, as read from its catalogs, and what differs between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ADDITIVE, REVIEW, BREAKING = "additive", "review", "breaking"  # what a change of the schema means to code that knows the old one


@dataclass(frozen=True)
class Entry:
    """One object: a table, a column, a constraint, an index, a privilege …"""

    kind: str
    name: str  # unique among its kind, as a person would write it: public.items.price
    facets: Mapping[str, str] = field(default_factory=dict)  # what it is made of: type, null, default, definition …


@dataclass(frozen=True)
class Catalog:
    """All objects of a database that people made, by (kind, name). Two databases with equal catalogs have one schema.

    The order of a table's columns stands apart, in `order`: code that names its columns never sees it.
    """

    entries: Mapping[tuple[str, str], Entry] = field(default_factory=dict)
    order: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # columns by table


@dataclass(frozen=True)
class Difference:
    """What is not the same about one object."""

    change: str  # added, removed, changed
    kind: str
    name: str
    facets: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # of a changed one: before and after

    def __str__(self) -> str:
        how = "; ".join(f"{name}: {before or '(none)'} → {after or '(none)'}" for name, (before, after) in self.facets.items())
        return f"{self.kind} {self.name} {self.change}{': ' if how else ''}{how}"


@dataclass(frozen=True)
class Content:
    """What the rows of a table are."""

    rows: int
    columns: Mapping[str, str] = field(default_factory=dict)  # a checksum for each, which the rows' order doesn't change
