"""Kinds of mappings: a Record has fixed keys, ByName has names chosen by the team."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from shipway.domain.value import dataclass
from shipway.planfile.bounds import ENTRIES
from shipway.planfile.document import Entries, Node, Scalar
from shipway.planfile.kinds import Describe, Kind, Schema, fits, unwritable
from shipway.planfile.report import INVALID, Path, Report, did_you_mean, nearest, shown

NAME_LENGTH = 200  # of variables and headers; most names have stricter patterns


def pairs(node: Entries, path: Path, report: Report) -> Iterator[tuple[Scalar, Node]]:
    """Entries, with their positions recorded. A duplicate key is a problem; the first one counts."""
    for key, value in node.pairs:
        first = report.keys.get((*path, key.text))
        if first is not None and first != key.mark:
            message = f"is a duplicate of the key in line {first.line}"
            report.error((*path, key.text), message, "each key once", key.mark)
            continue
        report.place((*path, key.text), value, key.mark)
        yield key, value


@dataclass(frozen=True)
class Record:
    """A mapping with known keys. `make` gets their values by key, or under the name in `renamed`. `former`: former names
    of keys, which are read with a warning."""

    make: Callable[..., Any]
    fields: Mapping[str, Kind]
    required: Sequence[str] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)
    named: bool = False  # `make` also gets the record's own key as `name`
    short: tuple[str, Kind] | None = None  # (argument, kind) of a single value instead of the mapping
    exactly_one: Sequence[str] = ()
    one_or_more: Sequence[str] = ()
    together: Mapping[str, Sequence[str]] = field(default_factory=dict)  # key: further keys that it requires

    @property
    def expected(self) -> str:
        keys = f"a mapping with the keys {', '.join(self.fields)}"
        return f"{self.short[1].expected}, or {keys}" if self.short else keys

    @property
    def blank(self) -> Any:
        return self._make({key: self.fields[key].blank for key in self.required}, ("",))

    def read(self, node: Node, path: Path, report: Report) -> Any:
        if isinstance(node, Scalar) and self.short:
            argument, kind = self.short
            if node.type == "nothing":
                return report.misfit(path, node, self.expected)
            value = kind.read(node, path, report)
            return INVALID if value is INVALID else self._make({argument: value}, path)
        if not isinstance(node, Entries):
            return report.misfit(path, node, self.expected)
        values: dict[str, Any] = {key: self.fields[key].blank for key in self.required}
        present = set[str]()
        for key, child in pairs(node, path, report):
            if key.text.startswith("x-"):  # the team's own, for anchors
                continue
            name = self._current(key, child, path, report)
            if name not in self.fields:
                present.add(self._unknown(key, path, report))
                continue
            present.add(name)
            value = self.fields[name].read(child, (*path, name), report)
            if value is not INVALID:
                values[name] = value
        self._check_presence(present, path, report)
        return self._make(values, path)

    def _make(self, values: Mapping[str, Any], path: Path) -> Any:
        arguments = {self.renamed.get(key, key): value for key, value in values.items()}
        return self.make(**arguments, name=path[-1]) if self.named else self.make(**arguments)

    def _current(self, key: Scalar, value: Node, path: Path, report: Report) -> str:
        """The current name of a key. Report a former name, and record its value's position under the current one."""
        name = self.former.get(key.text, key.text)
        if name != key.text:
            report.warn((*path, key.text), f"is now called `{name}`; the old name will be removed", f"`{name}:`")
            if report.written((*path, name)):
                report.error((*path, key.text), f"is the former name of `{name}`, which is also set", f"only `{name}:`")
            report.place((*path, name), value, key.mark)
        return name

    def _unknown(self, key: Scalar, path: Path, report: Report) -> str:
        """Report it, and return the key that was probably meant, so that it isn't reported as missing too."""
        guess = did_you_mean(key.text, self.fields) if len(key.text) <= NAME_LENGTH else ""
        report.error((*path, key.text), f"unknown key{guess}", f"one of {', '.join(self.fields)}", key.mark)
        return (nearest(key.text, self.fields) or "") if guess else ""

    def _check_presence(self, present: set[str], path: Path, report: Report) -> None:
        for key in self.required:
            if key not in present:
                report.error(path, f"`{key}` is missing", self._line(key))
        if self.one_or_more and not present.intersection(self.one_or_more):
            report.error(path, f"`{self.one_or_more[0]}` is missing", "; or ".join(map(self._line, self.one_or_more)))
        chosen = [key for key in self.exactly_one if key in present]
        if self.exactly_one and len(chosen) != 1:
            choice = "; or ".join(self._line(key) for key in self.exactly_one)
            has = "has " + " and ".join(f"`{key}`" for key in chosen)
            lacks = "has none of " + ", ".join(f"`{key}`" for key in self.exactly_one)
            report.error(path, has if chosen else lacks, f"exactly one of {choice}")
            return
        for key, others in self.together.items():
            for other in others:
                if key in present and other not in present:
                    report.error((*path, key), f"`{key}` requires `{other}`", self._line(other))

    def _line(self, key: str) -> str:
        """A key with its value in the shortest form."""
        kind = self.fields[key]
        brief = kind.short[1] if isinstance(kind, Record) and kind.short else kind
        return f"`{key}:` {brief.expected}"

    def schema(self, path: Path, describe: Describe) -> Schema:
        properties = {}
        for key, kind in self.fields.items():
            description = describe((*path, key))
            properties[key] = {
                **({"description": description} if description else {}),
                **kind.schema((*path, key), describe),
            }
        for old, name in self.former.items():
            properties[old] = {"description": f"Former name of `{name}`.", "deprecated": True}
        schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
        schema["patternProperties"] = {"^x-": {}}
        if self.required:
            schema["required"] = list(self.required)
        if self.exactly_one:
            schema["oneOf"] = [{"required": [key]} for key in self.exactly_one]
        if self.one_or_more:
            schema["anyOf"] = [{"required": [key]} for key in self.one_or_more]
        if self.together:
            schema["dependencies"] = {key: list(others) for key, others in self.together.items()}
        return {"anyOf": [self.short[1].schema(path, describe), schema]} if self.short else schema


@dataclass(frozen=True)
class ByName:
    """A mapping from names chosen by the team to values of one kind."""

    item: Kind
    names: str  # pattern of a name
    called: str  # description of the pattern
    example: str
    at_least: int = 0
    blank: Any = field(default_factory=dict)

    @property
    def expected(self) -> str:
        return f"entries by name, such as {self.example}"

    def read(self, node: Node, path: Path, report: Report) -> Any:
        if not isinstance(node, Entries):
            return report.misfit(path, node, self.expected)
        if len(node.pairs) < self.at_least:
            report.error(path, "can't be empty", self.expected)
        values = {}
        if len(node.pairs) > ENTRIES:
            report.error(path, f"has more than {ENTRIES} entries", self.expected)
            return INVALID
        for key, child in pairs(node, path, report):
            if not fits(self.names, key.text) or unwritable(key.text, NAME_LENGTH):
                near = re.sub(r"[^a-z0-9]+", "-", key.text[:NAME_LENGTH].lower()).strip("-")
                guess = f"; did you mean `{near}`?" if fits(self.names, near) else ""
                report.error((*path, key.text), f"{shown(key)} is not a valid name{guess}", self.called, key.mark)
            value = self.item.read(child, (*path, key.text), report)
            if value is not INVALID:
                values[key.text] = value
        return values

    def schema(self, path: Path, describe: Describe) -> Schema:
        schema: Schema = {
            "type": "object",
            "propertyNames": {"pattern": self.names},
            "additionalProperties": self.item.schema((*path, "*"), describe),
        }
        return {**schema, "minProperties": self.at_least} if self.at_least else schema


@dataclass(frozen=True)
class OneOrMapping:
    """A single value, or a mapping by name."""

    one: Kind
    mapping: ByName
    blank: Any = ""

    @property
    def expected(self) -> str:
        return f"{self.one.expected}; or {self.mapping.expected}"

    def read(self, node: Node, path: Path, report: Report) -> Any:
        return (self.mapping if isinstance(node, Entries) else self.one).read(node, path, report)

    def schema(self, path: Path, describe: Describe) -> Schema:
        return {"anyOf": [self.one.schema(path, describe), self.mapping.schema(path, describe)]}
