"""Statements that end with another sign than a semicolon."""

from __future__ import annotations

import re


def respell(text: str, delimiter: str) -> str:
    """Replace a delimiter by a semicolon, unless the statement before it has one already. Lines keep their numbers."""
    if not delimiter or delimiter == ";":
        return text
    parts = text.split(delimiter)
    lines = "\n" * delimiter.count("\n")
    for index, part in enumerate(parts[:-1]):
        ended = not re.sub(r"--[^\n]*", "", part).strip() or part.rstrip().endswith(";")
        parts[index] = part + ("" if ended else "\n;" if _in_comment(part) else ";") + lines
    return "".join(parts)


def _in_comment(text: str) -> bool:
    return "--" in text.rpartition("\n")[2]
