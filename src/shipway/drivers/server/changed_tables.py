"""The tables whose rows statements could change or delete."""

from __future__ import annotations

import re
from collections.abc import Sequence

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"(?:\w+|\"[^\"]+\"|`[^`]+`)"
_CHANGES = re.compile(
    r"(?:WITH\b.*?\b)?(?:UPDATE|DELETE\s+FROM|MERGE\s+INTO|REPLACE\s+INTO|TRUNCATE(?:\s+TABLE)?)\s+(?:ONLY\s+)?"
    rf"({_NAME}(?:\.{_NAME})?)",
    re.DOTALL | re.IGNORECASE,
)


def changed(statements: Sequence[str]) -> tuple[str, ...]:
    """Tables, as written. Functions and DO blocks are not analyzed."""
    found: list[str] = []
    for statement in statements:
        for part in _COMMENT.sub(" ", statement).split(";"):
            match = _CHANGES.match(part.strip())
            if match:
                found.append(match[1])
    return tuple(dict.fromkeys(found))
