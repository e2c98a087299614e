"""Kinds of single values and lists: each reads a node and renders itself as JSON Schema, so that neither is
repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from shipway.domain.value import dataclass
from shipway.planfile.bounds import ENTRIES, LINE
from shipway.planfile.document import Items, Node, Scalar
from shipway.planfile.report import INVALID, Path, Report, did_you_mean

Schema = dict[str, Any]
# All control characters but tab and line ends; text direction marks; surrogates.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
# Shown as nothing: two values that look the same to whoever approves one of them. Joiners within words and emoji are text.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2060-\u2064\u206a-\u206f\u3164\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
Describe = Callable[[Path], str]  # path with `*` for a free name → description; empty without one


class Kind(Protocol):
    """A kind of value for a key."""

    @property
    def expected(self) -> str:
        """Describes the kind in messages."""

    @property
    def blank(self) -> Any:
        """Replaces a missing required value, so that the rest can still be checked."""

    def read(self, node: Node, path: Path, report: Report) -> Any:
        """Return the value; INVALID after reporting a problem."""

    def schema(self, path: Path, describe: Describe) -> Schema:
        """The kind as JSON Schema (draft 7)."""


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text matches: with `$`, Python would permit a line end."""
    return re.search(f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern, text) is not None


def unwritable(text: str, most: int) -> str:
    """Why no value may have this text: too long, or with characters that control a terminal or can't be seen; empty if it is valid."""
    if len(text) > most:
        return f"is longer than {most} characters"
    for kind, characters in (("control", _CONTROL), ("invisible", _INVISIBLE)):
        if found := characters.search(text):
            return f"contains the {kind} character U+{ord(found[0]):04X}"
    return ""


@dataclass(frozen=True)
class Text:
    """A string that matches `pattern` and that `convert` accepts: its ValueError becomes the problem."""

    expected: str
    pattern: str = r"\S"
    convert: Callable[[str], Any] = str
    as_written: bool = False  # also accepts numbers and booleans, exactly as in the file
    blank: Any = ""
    most: int = LINE  # characters

    def read(self, node: Node, path: Path, report: Report) -> Any:
        types = ("text", "number", "boolean") if self.as_written else ("text",)
        if isinstance(node, Scalar) and (unfit := unwritable(node.text, self.most)):
            report.error(path, unfit, self.expected)
            return INVALID
        if not isinstance(node, Scalar) or node.type not in types or not fits(self.pattern, node.text):
            return report.misfit(path, node, self.expected)
        try:
            return self.convert(node.text)
        except ValueError as error:
            report.error(path, str(error), self.expected)
            return INVALID

    def schema(self, path: Path, describe: Describe) -> Schema:
        if self.as_written:
            return {"type": ["string", "number", "boolean"], "pattern": self.pattern}
        return {"type": "string", "pattern": self.pattern}


@dataclass(frozen=True)
class Number:
    """A number in a range; integers only unless `fraction`."""

    expected: str
    minimum: float
    maximum: float | None = None
    fraction: bool = False
    blank: Any = 0

    def read(self, node: Node, path: Path, report: Report) -> Any:
        pattern = r"\d+(\.\d+)?" if self.fraction else r"\d+"
        if not isinstance(node, Scalar) or node.type != "number" or not re.fullmatch(pattern, node.text):
            return report.misfit(path, node, self.expected)
        value = float(node.text) if self.fraction else int(node.text) if len(node.text) <= 18 else float(node.text)
        if value < self.minimum or (self.maximum is not None and value > self.maximum):
            return report.misfit(path, node, self.expected)
        return value

    def schema(self, path: Path, describe: Describe) -> Schema:
        limits = {"minimum": self.minimum, "maximum": self.maximum}
        return {
            "type": "number" if self.fraction else "integer",
            **{key: value for key, value in limits.items() if value is not None},
        }


@dataclass(frozen=True)
class Choice:
    """One of several words, each for a value."""

    values: Mapping[str, Any]
    hint: str = ""
    blank: Any = ""

    @property
    def expected(self) -> str:
        words = list(self.values)
        return self.hint or (words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}")

    def read(self, node: Node, path: Path, report: Report) -> Any:
        if isinstance(node, Scalar) and node.text in self.values:
            return self.values[node.text]
        if isinstance(node, Scalar) and node.type == "text" and node.text:
            report.error(path, f"can't be `{node.text}`{did_you_mean(node.text, self.values)}", self.expected)
            return INVALID
        return report.misfit(path, node, self.expected)

    def schema(self, path: Path, describe: Describe) -> Schema:
        # YAML's `true` is a boolean to the editor and a string to the parser: both are the same choice.
        return {"enum": [{"true": True, "false": False}.get(word, word) for word in self.values]}


@dataclass(frozen=True)
class Several:
    """A list without duplicates; a single value is a list of one. `filled`: it must not be empty."""

    item: Kind
    blank: Any = ()
    filled: bool = False

    @property
    def expected(self) -> str:
        return f"{self.item.expected}, or a list of them"

    def read(self, node: Node, path: Path, report: Report) -> Any:
        if not isinstance(node, Items):
            value = self.item.read(node, path, report)
            return INVALID if value is INVALID else (value,)
        values: list[Any] = []
        if len(node.nodes) > ENTRIES:
            report.error(path, f"has more than {ENTRIES} items", self.expected)
            return INVALID
        if self.filled and not node.nodes:
            report.error(path, "can't be empty", self.expected)
            return INVALID
        for index, child in enumerate(node.nodes):
            report.place((*path, index), child)
            value = self.item.read(child, (*path, index), report)
            if value in values:
                report.error((*path, index), f"`{value}` is listed twice")
            elif value is not INVALID:
                values.append(value)
        return tuple(values)

    def schema(self, path: Path, describe: Describe) -> Schema:
        item = self.item.schema(path, describe)
        least = {"minItems": 1} if self.filled else {}
        return {"anyOf": [item, {"type": "array", "items": item, "uniqueItems": True, **least}]}
