"""The columns of generated rows, read from a PostgreSQL catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shipway.domain.catalog import Catalog, Entry
from shipway.domain.value import dataclass

_NAME = r'(?:"(?:[^"]|"")*"|[^\s,()."]+)'
_FOREIGN = re.compile(rf"FOREIGN KEY \((?P<columns>.+?)\) REFERENCES (?P<table>{_NAME}(?:\.{_NAME})?)\((?P<keys>.+?)\)")
_ATTRIBUTE = re.compile(rf"(?:^|, ){_NAME} (.+?)(?: collate {_NAME})?(?=, {_NAME} |$)")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'-])-?\d+(?:\.\d+)?(?![\w'])")
_UPPER_BOUND = re.compile(r" TO \(.*\)$")


@dataclass(frozen=True)
class Reference:
    table: str
    keys: Sequence[str]  # all target columns of the foreign key
    key: str  # the target column of this one


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # a domain's base type
    config: str  # the type to write
    nullable: bool
    checks: Sequence[str]  # expressions that involve only this column
    becomes: str  # the base type that an up migration gives it; "" if it keeps its own
    later: Sequence[str]  # checks of that type
    checked: bool  # some check involves it, perhaps with other columns
    literals: Sequence[str]  # values in the checks, or next to them
    bounds: Sequence[str]  # values that some partition accepts
    reference: Reference | None


class Tables:
    """All tables of a catalog but partitions, which get their rows through their parent."""

    def __init__(self, catalog: Catalog) -> None:
        self._entries = catalog.entries
        self._order = catalog.order
        self._tables: dict[str, Entry] = {}
        self._bounds: dict[str, list[str]] = {}
        self._constraints: dict[str, list[Entry]] = {}
        for (kind, name), entry in catalog.entries.items():
            if kind == "constraint":
                self._constraints.setdefault(entry.facets.get("on") or name.rpartition(".")[0], []).append(entry)
            elif kind == "table" and "bounds" in entry.facets:
                self._bounds.setdefault(entry.facets["inherits"], []).append(entry.facets["bounds"])
            elif kind == "table":
                self._tables[name] = entry

    def in_order(self) -> list[str]:
        """Tables after those that they reference; in a cycle, those with optional references first."""
        remaining = {table: self.references(table) for table in sorted(self._tables)}
        found: list[str] = []

        def waits(table: str) -> tuple[int, int]:
            others = {
                name: it.table for name, it in remaining[table].items() if it.table in remaining and it.table != table
            }
            needed = [name for name in others if "null" in self._entries["column", f"{table}.{name}"].facets]
            return len(needed), len(others)

        while remaining:
            found.append(min(remaining, key=waits))
            del remaining[found[-1]]
        return found

    def partitioned(self, table: str) -> bool:
        return "partitioned by" in self._tables[table].facets

    def references(self, table: str) -> dict[str, Reference]:
        """The references of a table, by column."""
        found: dict[str, Reference] = {}
        for entry in self._constraints.get(table, ()):
            if match := _FOREIGN.search(entry.facets.get("definition", "")):
                keys = _names(match["keys"].replace("PERIOD ", ""))
                for column, key in zip(_names(match["columns"].replace("PERIOD ", "")), keys, strict=True):
                    found.setdefault(column, Reference(match["table"], keys, key))
        return found

    def checks(self, of: str, *, later: bool = False) -> list[tuple[Sequence[str], str]]:
        """The checks of a table or domain: the columns and the expression of each. With `later`, those for columns that
        become another type, instead of all others."""
        found = [
            entry.facets
            for entry in self._constraints.get(of, ())
            if entry.facets.get("type") == "check" and later == self._of_next_type(of, entry.facets)
        ]
        return [(_names(facets.get("columns", "")), _expression(facets["definition"])) for facets in found]

    def columns(self, table: str) -> list[Column]:
        """The columns to write: without generated and identity columns."""
        references, checks, split = self.references(table), self.checks(table), self._split_by(table)
        checks_later = self.checks(table, later=True)
        found = []
        for name in self._order.get(table, ()):
            facets = self._entries["column", f"{table}.{name}"].facets
            if "generated" in facets or "identity" in facets or facets.get("default", "").startswith("nextval("):
                continue
            domain = self._entries.get(("domain", facets["type"]))
            of_domain = self._domain_checks(facets["type"], name)
            becomes = facets.get("becomes", "")
            later = [text for columns, text in checks_later if list(columns) == [name]] + self._domain_checks(
                becomes, name
            )
            about = [text for columns, text in checks if name in columns] + of_domain + later
            column = Column(
                name,
                type=self._base(facets["type"]),
                config=facets["type"],
                nullable="null" not in facets and (domain is None or "null" not in domain.facets),
                checks=[text for columns, text in checks if list(columns) == [name]] + of_domain,
                becomes=self._base(becomes),
                later=later,
                checked=bool(about),
                literals=_literals(about),
                bounds=_lower_bounds(self._bounds.get(table, ())) if name in split else (),
                reference=references.get(name),
            )
            found.append(column)
        return found

    def labels(self, type_: str) -> Sequence[str]:
        """The labels of an enum; none for another type."""
        entry = self._entries.get(("enum", type_))
        return [label.replace("''", "'") for label in _LITERAL.findall(entry.facets.get("labels", ""))] if entry else ()

    def attributes(self, type_: str) -> Sequence[str] | None:
        """The types of a composite type's attributes."""
        entry = self._entries.get(("composite type", type_))
        return _ATTRIBUTE.findall(entry.facets.get("attributes", "")) if entry else None

    def _base(self, type_: str) -> str:
        domain = self._entries.get(("domain", type_))
        return domain.facets["type"] if domain else type_

    def _domain_checks(self, type_: str, column: str) -> list[str]:
        """The checks of a domain for this column; none of another type."""
        if ("domain", type_) not in self._entries:
            return []
        return [re.sub(r"\bVALUE\b", column.replace("\\", r"\\"), text) for _, text in self.checks(type_)]

    def _of_next_type(self, table: str, facets: Mapping[str, str]) -> bool:
        """Whether a check is added for a column that becomes another type."""
        columns = [self._entries.get(("column", f"{table}.{name}")) for name in _names(facets.get("columns", ""))]
        return "later" in facets and any(entry is not None and "becomes" in entry.facets for entry in columns)

    def _split_by(self, table: str) -> Sequence[str]:
        """Columns of the partition key."""
        return _names(self._tables[table].facets.get("partitioned by", "").partition("(")[2])


def _names(text: str) -> Sequence[str]:
    return re.findall(_NAME, text)


def _expression(definition: str) -> str:
    return definition.removeprefix("CHECK ").removesuffix(" NOT VALID").removesuffix(" NO INHERIT")


def _literals(checks: Sequence[str]) -> Sequence[str]:
    """Literals in the checks, numbers next to these, and texts of matching length."""
    found = [text.replace("''", "'") for check in checks for text in _LITERAL.findall(check)]
    for text in (text for check in checks for text in _NUMBER.findall(_LITERAL.sub("", check))):
        found.append(text)
        if "." not in text:
            found += [str(int(text) + 1), str(int(text) - 1)]
            found += ["a" * int(text)] if 0 < int(text) <= 1000 else []
    return list(dict.fromkeys(found))


def _lower_bounds(bounds: Sequence[str]) -> Sequence[str]:
    """Values within the partitions, as far as bounds name them: a range excludes its upper bound, a hash has none."""
    named = [_UPPER_BOUND.sub("", text) for text in bounds if "MODULUS" not in text]
    return [text for item in named for text in (*_LITERAL.findall(item), *_NUMBER.findall(_LITERAL.sub("", item)))]
