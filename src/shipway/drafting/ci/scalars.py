"""Texts of a plan as scalars of YAML, words of a shell, and literals of Groovy: whatever they contain, they stay one value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

# Raw, YAML doesn't accept them, or takes them as ends of lines.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def scalar(text: str) -> str:
    """A double-quoted scalar of YAML, in one line."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def scalars(texts: Iterable[str]) -> str:
    """A list in one line."""
    return f"[{', '.join(map(scalar, texts))}]"


def block(lines: Iterable[str], indent: int) -> str:
    """The lines of a script below a key that ends in `|`."""
    return "\n".join(" " * indent + line if line else "" for line in lines)


def groovy(text: str) -> str:
    """A literal in single quotes, in which nothing is replaced."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


def groovy_block(lines: Iterable[str], indent: int) -> str:
    """A script as a literal of several lines."""
    text = "\n".join(" " * indent + line if line else "" for line in lines)
    return "'''\n" + text.replace("\\", "\\\\").replace("'", "\\'") + "\n" + " " * (indent - 2) + "'''"
