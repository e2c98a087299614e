"""Find the tables whose rows a script may change or delete, without running it."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAME = r"(?:[\w$]+|\"[^\"]+\"|`[^`]+`)"
_CHANGES = re.compile(
    rf"\b(?:update|delete\s+from|merge\s+into|truncate(?:\s+table)?|replace\s+into)\s+(?:only\s+)?(?P<table>{_NAME}(?:\.{_NAME})?)",
    re.IGNORECASE,
)
_NO_TABLE = {
    "of",
    "on",
    "cascade",
    "restrict",
    "set",
    "no",
    "or",
    "skip",
    "nowait",
    "to",
    "as",
    "using",
}  # ON UPDATE CASCADE …
_CODE = re.compile(
    r"\b(?:do\s*(?:language\s+\w+\s*)?(?:\$|')|call\s+\w|perform\s+\w|execute\s+['\w])|^\s*select\s+[\w.\"]+\(",
    re.IGNORECASE | re.MULTILINE,
)
CODE = "tables that its code may change"


def changed_tables(script: str) -> tuple[str, ...]:
    """Tables as written, also those in the text of functions and DO blocks; `CODE` if it runs code that may change any."""
    text = _COMMENT.sub(" ", script)
    found = [match["table"] for match in _CHANGES.finditer(text) if match["table"].lower() not in _NO_TABLE]
    return tuple(dict.fromkeys([*found, *([CODE] if _CODE.search(text) else [])]))
