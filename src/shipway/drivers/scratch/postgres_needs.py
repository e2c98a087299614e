"""What up migrations need of generated rows, from the schema after them and from their errors with earlier rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace

from shipway.domain.catalog import Catalog, Difference, Entry
from shipway.domain.value import dataclass
from shipway.drivers.scratch.postgres_values import shape_of, shaped, values
from shipway.ports import Rejected

Place = tuple[str, str]  # a table and its column
_TEXT = re.compile(r"(?:text|character|name|(?:.+\.)?citext)(?: varying)?(?:\(\d+\))?")
# Errors about a value, and the shape that it should have; `type` as the message names it.
_VALUES: Sequence[tuple[str, str]] = (
    (r'invalid input syntax for type (?P<type>[\w .]+?): "(?P<value>.*?)"', ""),
    (r'invalid input syntax for type (?P<type>jsonb?)(?s:.*?)(?:Token "(?P<value>[^"]*)"|JSON data, line 1: (?P<rest>[^\n]*))', ""),
    (r"invalid input syntax for type (?P<type>[\w .]+)", ""),
    (r'invalid input value for enum (?P<type>\S+): "(?P<value>.*?)"', ""),
    (r'malformed array literal: "(?P<value>.*?)"', "array"),
    (r'invalid value "(?P<value>.*?)" for "[^"]*"', "date"),
    (r'date/time field value out of range: "(?P<value>.*?)"', "date"),
    (r'invalid hexadecimal digit: "(?P<value>.*?)"|invalid hexadecimal data', "hex"),
    (r'invalid symbol "(?P<value>.*?)" found while decoding base64|invalid base64', "base64"),
)  # fmt: skip
_NULLS = re.compile(r"contains null values|null value in column")
_UNIQUE = re.compile(
    r'could not create unique index "(?P<name>[^"]+)"|violates (?:unique|exclusion) constraint "(?P<other>[^"]+)"'
)
_LARGE = re.compile(r"out of range|numeric field overflow")
_LONG = re.compile(r"value too long for type character(?: varying)?\((?P<size>\d+)\)")
_ARRAY = re.compile(
    r"cannot extract elements from|cannot call jsonb?_(?:array|to_recordset|populate_recordset)\w* on|cannot get array length"
)
_OBJECT = re.compile(r"cannot call jsonb?_\w+ on an? (?:array|scalar|non-object)|cannot deconstruct")  # fmt: skip


@dataclass(frozen=True)
class Needs:
    """Of rows that are generated once the up migrations have rejected others."""

    shapes: Mapping[Place, tuple[str, int]] = field(default_factory=dict)  # of texts: a shape, and its attempt
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of enums
    marks: Mapping[Place, str] = field(
        default_factory=dict
    )  # which other texts begin with: they name the column in an error
    nulls: bool = True
    small: bool = False  # numbers
    size: int | None = None  # of texts
    single: frozenset[str] = frozenset()  # tables with only one row
    json: str = ""  # object or array, if only one is accepted

    def text(self, place: Place, type_: str, row: int) -> str | None:
        """Of a text column; None: as without a need."""
        shape, attempt = self.shapes.get(place, ("", 0))
        text = shaped(shape, row, attempt, self.labels.get(shape, ()), json=self.json) if shape else None
        if text is None and place in self.marks:
            text = f"{self.marks[place]}{values('text', row) or ''}"
        size = re.search(r"\((\d+)\)", type_)
        limits = [limit for limit in (int(size[1]) if size else None, self.size) if limit is not None]
        return text[: min(limits)] if text is not None and limits else text


def is_text(type_: str) -> bool:
    return _TEXT.fullmatch(type_) is not None


def needs_of(catalog: Catalog, rejected: Rejected) -> Needs:
    """From the schema after the up migrations first, then from each error in turn."""
    texts = {
        place: entry.facets["type"]
        for place, entry in _columns(catalog)
        if is_text(_base(catalog, entry.facets["type"]))
    }
    known = _schema_needs(catalog, rejected.changes, texts)
    first, *others = rejected.messages
    found = _error_needs(replace(known, shapes={}), first, texts, rejected.changes)  # about rows without any need
    marks = {place: _mark(number) for number, place in enumerate(texts)}
    found = replace(found, shapes={**found.shapes, **known.shapes}, marks=marks)
    for message in others:
        found = _error_needs(found, message, texts, rejected.changes)
    return found


def later(catalog: Catalog, changes: Sequence[Difference]) -> Catalog:
    """The schema before the up migrations, with what they add to its columns: NOT NULL, checks and foreign keys, so that rows
    are valid in both. The facet `becomes` of a text column is its next type; `later` marks what is added."""
    entries = dict(catalog.entries)
    for change in changes:
        key = (change.kind, change.name)
        after = {name: pair[1] for name, pair in change.facets.items()}
        if change.change == "added" and _restricts(catalog, change.kind, after):
            entries[key] = Entry(*key, {**after, "later": "yes"})
        elif change.kind == "column" and change.change == "changed" and key in entries:
            facets = {**entries[key].facets, **({"null": after["null"]} if after.get("null") else {})}
            if "type" in after and is_text(_base(catalog, facets["type"])):
                facets["becomes"] = after["type"]
            entries[key] = Entry(*key, facets)
    return Catalog(entries, catalog.order)


def _restricts(catalog: Catalog, kind: str, facets: Mapping[str, str]) -> bool:
    """Whether an added object restricts the values of columns that exist, or may be the type of one."""
    if kind in ("enum", "domain"):
        return True
    if kind != "constraint" or facets.get("type") not in ("check", "foreign key"):
        return False
    if "on" not in facets:
        return True  # of a domain
    columns = re.findall(r'"(?:[^"]|"")*"|[^\s,]+', facets.get("columns", ""))
    target = re.search(r" REFERENCES ([^(]+)\(", facets["definition"])
    return set(columns) <= set(catalog.order.get(facets["on"], ())) and (target is None or target[1] in catalog.order)


def _schema_needs(catalog: Catalog, changes: Sequence[Difference], texts: Mapping[Place, str]) -> Needs:
    """The types that text columns are going to have."""
    after = later(catalog, changes)
    labels = {
        name: [label.replace("''", "'") for label in re.findall(r"'((?:[^']|'')*)'", entry.facets.get("labels", ""))]
        for (kind, name), entry in after.entries.items()
        if kind == "enum"
    }
    shapes = {}
    for (table, column), entry in _columns(after):
        type_ = entry.facets.get("becomes", "")
        shape = type_ if type_ in labels else shape_of(_base(after, type_))
        if shape and (table, column) in texts:
            shapes[table, column] = (shape, 0)
    return Needs(shapes, labels)


def _error_needs(needs: Needs, message: str, texts: Mapping[Place, str], changes: Sequence[Difference]) -> Needs:
    if _NULLS.search(message):
        return replace(needs, nulls=False)
    if unique := _UNIQUE.search(message):
        return replace(needs, single=needs.single | _tables_of(unique["name"] or unique["other"], texts, changes))
    if long := _LONG.search(message):
        return replace(needs, size=int(long["size"]))
    if _ARRAY.search(message):
        return replace(needs, json="array")
    if _OBJECT.search(message):
        return replace(needs, json="object")
    for pattern, shape in _VALUES:
        if match := re.search(pattern, message):
            words = match.groupdict()
            shape = shape or (words["type"] if words["type"] in needs.labels else _named(words["type"], needs))
            value = words.get("value") or words.get("rest")
            return _shape(needs, shape, value, texts) if shape else needs
    return replace(needs, small=True) if _LARGE.search(message) else needs


def _shape(needs: Needs, shape: str, value: str | None, texts: Mapping[Place, str]) -> Needs:
    """Give the columns that the value may be from this shape; its next variant if they have it already."""
    if not value and shape == "integer":
        shape = "parts of integer"  # a part of a text that has no such part
    places = [*_places(needs, value, texts)] if value else [*texts]
    if not needs.marks and (len(places) != 1 or not value):
        return needs  # the next error names the column
    having = [place for place in places if needs.shapes.get(place, ("",))[0] == shape]
    chosen = having or [place for place in places if place not in needs.shapes] or places[:1]
    following = {place: (shape, needs.shapes[place][1] + 1 if having else 0) for place in chosen}
    return replace(needs, shapes={**needs.shapes, **following})


def _places(needs: Needs, value: str | None, texts: Mapping[Place, str]) -> Iterator[Place]:
    """Columns with a value that contains this one."""
    for place, type_ in texts.items():
        generated = [needs.text(place, type_, row) or values("text", row) or "" for row in range(3)]
        if value and any(value.casefold() in text.casefold() for text in generated):
            yield place


def _named(type_: str, needs: Needs) -> str:
    """The shape for a type as messages name it: without its schema for an enum."""
    return next((name for name in needs.labels if name.rpartition(".")[2] == type_), shape_of(type_))


def _tables_of(index: str, texts: Mapping[Place, str], changes: Sequence[Difference]) -> frozenset[str]:
    """The table of a new index or constraint; every table with a text if it is not known."""
    found = [
        change.facets["on"][1] for change in changes
        if change.change == "added" and "on" in change.facets and change.name.rpartition(".")[2].strip('"') == index
    ]  # fmt: skip
    return frozenset(found or (table for table, _ in texts))


def _columns(catalog: Catalog) -> Iterator[tuple[Place, Entry]]:
    for table, columns in catalog.order.items():
        for column in columns:
            if (kind := ("column", f"{table}.{column}")) in catalog.entries:
                yield (table, column), catalog.entries[kind]


def _base(catalog: Catalog, type_: str) -> str:
    domain = catalog.entries.get(("domain", type_))
    return domain.facets["type"] if domain else type_


def _mark(number: int) -> str:
    """Three characters, different ones for each column."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return f"{letters[number % 26]}{letters[number // 26 % 26]}{letters[number // 676 % 26]}".capitalize()
