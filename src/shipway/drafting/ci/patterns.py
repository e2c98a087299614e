"""Branches and tags of triggers as conditions of other systems. A condition may match more refs than the trigger, never
fewer: `shipway run --for` decides."""

from __future__ import annotations

import re

from shipway.domain.plan import Trigger

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


def is_plain(name: str) -> bool:
    """Whether a name is no pattern, and means itself in every language."""
    return _PLAIN.fullmatch(name) is not None


def beginning(pattern: str) -> str:
    """The plain text that everything which matches begins with; may be empty."""
    found = _PLAIN.match(pattern)
    return found[0] if found else ""


def branch_regex(pattern: str) -> str:
    """A branch's name or pattern as a regular expression, see `domain.refs.branch_matches`. Only of letters, digits and what
    RE2 and Java share: without quotes, blanks, a slash without a backslash, and a dollar sign but at the end."""
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    wild = {"**": ".*", "*": r"[^\/]*", "?": r"[^\/]"}
    return "^" + "".join(wild[part] if part in wild else _escaped(part) for part in parts) + "$"


def tag_regex(pattern: str) -> str:
    """A pattern of tags likewise. A set of characters, such as [0-9], matches any one."""
    parts = re.split(r"(\*|\?|\[!?\]?[^\]]*\])", pattern)
    return "^" + "".join(_tag_part(part) for part in parts) + "$"


def of_tags_only(trigger: Trigger) -> tuple[str, ...]:
    """The branches of a trigger that only a tag on them deploys."""
    return trigger.branches if trigger.tag else ()


def deployed_branches(trigger: Trigger) -> tuple[str, ...]:
    """The branches of a trigger whose pushes deploy."""
    return () if trigger.tag else trigger.branches


def _tag_part(part: str) -> str:
    if part == "*":
        return ".*"
    return "." if part == "?" or (len(part) > 2 and part[0] == "[" and part[-1] == "]") else _escaped(part)


def _escaped(text: str) -> str:
    return "".join(
        char if re.fullmatch("[A-Za-z0-9_-]", char) else f"\\{char}" if char in "./" else f"\\x{{{ord(char):x}}}"
        for char in text
    )
