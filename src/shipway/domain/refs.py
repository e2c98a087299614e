"""Branches and tags of triggers: name patterns, and ranges of semantic versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from shipway.domain.plan import Trigger

HEADS, TAGS = "refs/heads/", "refs/tags/"
LONGEST = 244  # bytes of a name: with `.lock` behind it, it must be the name of a file
_NEVER = re.compile(r"[\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]|\.\.|@\{|//")
_VERSION = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_BOUND = re.compile(r"(>=|<=|>|<|=|\^|~)?v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?")

Version = tuple[int, int, int, tuple[tuple[int, int, str], ...]]  # last: the order of pre-releases


def short_name(ref: str) -> str:
    """The name of a branch or tag without the folder of its kind."""
    return ref.removeprefix(HEADS).removeprefix(TAGS)


def valid_ref(ref: str) -> bool:
    """Whether git accepts it as the full name of a branch or tag (git-check-ref-format)."""
    prefix = next((item for item in (HEADS, TAGS) if ref.startswith(item)), None)
    return prefix is not None and valid_name(ref.removeprefix(prefix))


def valid_name(name: str) -> bool:
    """Whether git accepts it as the name of a branch and of a tag. No option of a command either: none begins with `-`."""
    parts = name.split("/")
    return (
        _NEVER.search(name) is None
        and len(name.encode("utf-8", "replace")) <= LONGEST
        and not name.startswith("-")
        and not name.endswith(".")
        and name not in ("@", "HEAD")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


def branch_matches(pattern: str, branch: str) -> bool:
    """Whether a branch matches a name or pattern: `*` and `?` match within one part of the name, `**` across parts."""
    parts = {r"\*\*": ".*", r"\*": "[^/]*", r"\?": "[^/]"}
    return (
        re.fullmatch(re.sub(r"\\\*\\\*|\\\*|\\\?", lambda found: parts[found[0]], re.escape(pattern)), branch)
        is not None
    )


def on_branch(trigger: Trigger, branch: str) -> bool:
    """Whether the trigger names this branch."""
    return any(branch_matches(pattern, branch) for pattern in trigger.branches)


def is_version(trigger: Trigger, tag: str) -> bool:
    """Whether the tag makes a commit a version for this trigger."""
    if (
        trigger.tag is None
        or not fnmatchcase(tag, trigger.tag)
        or any(fnmatchcase(tag, item) for item in trigger.except_tags)
    ):
        return False
    return trigger.versions is None or in_range(trigger.versions, tag)


def fits(trigger: Trigger, ref: str) -> bool:
    """Whether a push of this ref fires the trigger."""
    if trigger.tag:
        return ref.startswith(TAGS) and is_version(trigger, ref.removeprefix(TAGS))
    return ref.startswith(HEADS) and on_branch(trigger, ref.removeprefix(HEADS))


def newest(tags: Sequence[str]) -> str | None:
    """The highest version of these tags; None without tags. A tag that is no version sorts below all versions."""
    return max(tags, key=lambda tag: (version(tag) is not None, version(tag) or (0, 0, 0, ()), tag), default=None)


def version(tag: str) -> Version | None:
    """Parse a tag such as v1.2.3-rc.1 to a value that sorts like semantic versions; None if it is none."""
    found = _VERSION.fullmatch(tag)
    return _version([int(part) for part in found.groups()[:3]], found[4]) if found else None


def in_range(text: str, tag: str) -> bool:
    """Whether the tag is a version in a range such as `>=1.2 <3`, `^1.4` or `~2.1.0`; `||` separates alternatives.

    A pre-release matches only a range that names a pre-release of the same version, as with npm.
    """
    found = version(tag)
    return found is not None and any(_in(bounds, found) for bounds in parse_range(text))


def parse_range(text: str) -> list[list[tuple[str, Version]]]:
    """The alternatives of a range, each a list of bounds. ValueError if it is invalid."""
    return [[bound for word in part.split() or [""] for bound in _bounds(word)] for part in text.split("||")]


def _bounds(word: str) -> list[tuple[str, Version]]:
    found = _BOUND.fullmatch(word)
    if found is None:
        raise ValueError(f"`{word}` is not a valid version bound")
    operator, given = found[1] or "", [int(part) for part in found.groups()[1:4] if part is not None]
    low = _version([*given, 0, 0], found[5])
    if operator in (">=", "<"):
        return [(operator, low)]
    # The first version above everything that the bound covers: 1.2 covers every 1.2.x.
    above = _next(given, len(given) - 1)
    if operator in (">", "<="):
        full = len(given) == 3
        return [(operator, low)] if full else [(">=" if operator == ">" else "<", above)]
    if operator == "^":
        first = next((index for index, part in enumerate(given) if part), len(given) - 1)
        return [(">=", low), ("<", _next(given, first))]
    if operator == "~":
        return [(">=", low), ("<", _next(given, min(1, len(given) - 1)))]
    return [("=", low)] if len(given) == 3 else [(">=", low), ("<", above)]


def _next(given: Sequence[int], index: int) -> Version:
    parts = [*given[:index], given[index] + 1, 0, 0]
    return _version(parts, None)


def _in(bounds: Sequence[tuple[str, Version]], found: Version) -> bool:
    if not _is_release(found) and not any(bound[:3] == found[:3] and not _is_release(bound) for _, bound in bounds):
        return False
    tests = {">=": found.__ge__, "<=": found.__le__, ">": found.__gt__, "<": found.__lt__, "=": found.__eq__}
    return all(tests[operator](bound) for operator, bound in bounds)


_RELEASE = ((2, 0, ""),)  # sorts above every pre-release


def _is_release(found: Version) -> bool:
    return found[3] == _RELEASE


def _version(numbers: Sequence[int], pre: str | None) -> Version:
    parts = (
        tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")) if pre else _RELEASE
    )
    return (numbers[0], numbers[1], numbers[2], parts)
