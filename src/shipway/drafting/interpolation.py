"""Variables in the values of a Compose file: `$NAME`, `${NAME:-default}`, `${NAME:?message}` and `${NAME:+other}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z_]\w*")
_OPERATOR = re.compile(r":?[-?+]")
_DEPTH = 20  # of defaults in defaults
_LONGEST = 8192  # characters of a text with variables
_EXPRESSION = 1000  # characters of one variable with its default


@dataclass
class Expanded:
    """A value with its variables replaced."""

    text: str = ""
    missing: list[str] = field(default_factory=list)  # variables without a value and without a default
    names: list[str] = field(default_factory=list)  # all variables in it


def expand(
    text: str, values: Mapping[str, str], hidden: Callable[[str], bool] = lambda name: False, *, sample: bool = False
) -> Expanded:
    """Replace the variables by their values or defaults; what is missing becomes nothing. hidden: variables whose values
    may not be shown stay as `$NAME`, and count as missing. sample: the values are only examples, and defaults are better."""
    if len(text) > _LONGEST:
        return Expanded(text)
    found = Expanded()
    found.text = _Expansion(values, hidden, sample, found).expand(text, 0)
    return found


@dataclass
class _Expansion:
    values: Mapping[str, str]
    hidden: Callable[[str], bool]
    sample: bool
    found: Expanded

    def value(self, name: str, operator: str, other: str, depth: int) -> str:
        """The value of one variable in the text."""
        value = self.values.get(name)
        present = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return self.expand(other, depth + 1) if present else ""
        if present and not (self.sample and operator.endswith("-") and other):
            return value or ""
        if operator.endswith("-"):
            return self.expand(other, depth + 1)
        self.found.missing.append(name)
        return ""

    def expand(self, text: str, depth: int) -> str:
        """The text with its variables replaced."""
        parts: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            parts.append(text[at:dollar])
            rest = dollar + 1
            braced = text.startswith("{", rest)
            name = _NAME.match(text, rest + braced)
            end = _closing(text, rest) if braced else name.end() if name else None
            if text.startswith("$", rest) or name is None or end is None or depth > _DEPTH:
                parts.append("$")
                at = rest + text.startswith("$", rest)
                continue
            at = end
            tail = text[name.end() : end - 1] if braced else ""
            operator = _OPERATOR.match(tail)
            if tail and operator is None:
                parts.append(text[dollar:end])
                continue
            self.found.names.append(name[0])
            if self.hidden(name[0]):
                self.found.missing.append(name[0])
                parts.append(f"${name[0]}")
            else:
                parts.append(
                    self.value(
                        name[0], operator[0] if operator else "", tail[operator.end() :] if operator else "", depth
                    )
                )
        return "".join([*parts, text[at:]])


def _closing(text: str, brace: int) -> int | None:
    """The position after the bracket that closes the one at `brace`."""
    depth = 0
    for at in range(brace, min(len(text), brace + _EXPRESSION)):
        if text[at] == "{" and text[at - 1] == "$":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at + 1
    return None
