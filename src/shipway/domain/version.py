"""Versions of an app as its tags have them: a prefix, and a semantic version such as 1.4.0-rc.1. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import total_ordering

from shipway.domain import refs
from shipway.domain.value import dataclass

MAJOR, MINOR, PATCH = "major", "minor", "patch"
LONGEST = 200  # characters
LEVELS = (PATCH, MINOR, MAJOR)  # the greatest last

_NUMBER = r"(?:0|[1-9]\d{0,8})"
_IDENTIFIER = r"(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)"
_STRICT = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?",
    re.ASCII,
)
_KNOWN = re.compile(
    r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]{1,200}))?(?:\+([0-9A-Za-z.-]{1,200}))?", re.ASCII
)
_WILD = re.compile(r"[*?\[]")


@total_ordering
@dataclass(frozen=True)
class Version:
    """A semantic version. The order is that of semantic versioning; build metadata has none."""

    major: int
    minor: int
    patch: int
    pre: str = ""  # of a pre-release, as in rc.1
    build: str = ""

    def __str__(self) -> str:
        pre, build = f"-{self.pre}" if self.pre else "", f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}{build}"

    def __lt__(self, other: Version) -> bool:
        return self.key < other.key

    @property
    def key(self) -> refs.Version:
        """What the order compares."""
        found = refs.version(f"0.0.0-{self.pre}" if self.pre else "0.0.0")
        assert found is not None
        return (self.major, self.minor, self.patch, found[3])

    @classmethod
    def parse(cls, text: str) -> Version:
        """ValueError if it is not a semantic version."""
        found = _STRICT.fullmatch(text)
        if found is None or len(text) > LONGEST:
            raise ValueError(f"{text!r} is not a semantic version such as 1.4.0 or 1.4.0-rc.1")
        return cls(int(found[1]), int(found[2]), int(found[3]), found[4] or "", found[5] or "")

    @classmethod
    def read(cls, text: str) -> Version | None:
        """A version as an existing tag may have it: 1, 1.4 and 1.04.0 are 1.0.0, 1.4.0 and 1.4.0. None if it is none."""
        found = _KNOWN.fullmatch(text)
        if found is None:
            return None
        return cls(int(found[1]), int(found[2] or 0), int(found[3] or 0), found[4] or "", found[5] or "")

    def next(self, level: str) -> Version:
        """The next version of a level. A pre-release leads to its own version, if that is of the level."""
        if level == MAJOR:
            ends = bool(self.pre) and not self.minor and not self.patch
            return Version(self.major if ends else self.major + 1, 0, 0)
        if level == MINOR:
            ends = bool(self.pre) and not self.patch
            return Version(self.major, self.minor if ends else self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch if self.pre else self.patch + 1)


@dataclass(frozen=True)
class Tag:
    """A tag that is a version."""

    prefix: str
    version: Version

    @property
    def name(self) -> str:
        """The tag itself; one that is read may be written in another way, such as v1."""
        return f"{self.prefix}{self.version}"


def prefix_of(pattern: str, tags: Iterable[str]) -> str:
    """What stands before the version in tags of a pattern: `v` for `v*` and `v1.*`. A pattern that begins with a wildcard
    says nothing: then as the existing tags have it, else `v`."""
    literal = re.sub(r"\d[\d.]*$", "", pattern[: found.start()] if (found := _WILD.search(pattern)) else pattern)
    if literal or not _WILD.match(pattern):
        return literal
    listed = list(tags)
    return "" if any(Version.read(tag) for tag in listed) and not any(read(tag, "v") for tag in listed) else "v"


def read(tag: str, prefix: str) -> Version | None:
    """The version of an existing tag; None if it is none with this prefix."""
    return Version.read(tag.removeprefix(prefix)) if tag.startswith(prefix) else None


def newest(tags: Iterable[str], prefix: str) -> str | None:
    """The tag with the highest version; None if no tag is a version. Of equal ones, the last by name."""
    found = [(version, tag) for tag in tags if (version := read(tag, prefix)) is not None]
    return max(found, key=lambda item: (item[0].key, item[1]))[1] if found else None


def chosen(text: str, prefix: str, before: Version | None) -> Version:
    """The version that a person asks for: a level, or a version with or without the prefix. ValueError if it is neither."""
    if text in LEVELS:
        return (before or Version(0, 0, 0)).next(text)
    return Version.parse(text.removeprefix(prefix) if prefix else text)
