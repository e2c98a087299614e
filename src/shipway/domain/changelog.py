"""A changelog in the form of Keep a Changelog: find a version's entry, and insert one. Pure.

An insertion keeps every other byte of the file. The one line that may change is the link of the unreleased changes, if it
compares two tags.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from shipway.domain.conventional import ORDER, VersionCommit, uses
from shipway.domain.value import dataclass
from shipway.domain.version import Tag, Version

NAME = "CHANGELOG.md"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"##[ \t]+(?P<text>.*?)[ \t]*#*[ \t]*")
_VERSION = re.compile(
    r"(?P<open>\[)?(?P<prefix>Version |[A-Za-z][\w./@-]*?)??(?P<version>\d+\.\d+\.\d+[0-9A-Za-z.+-]*)"
    r"(?P<close>\](?:\([^)\s]*\))?)?(?P<rest>[ \t]+(?:[-–—(\[]|\d{4}-).*)?"
)
_DATED = re.compile(r"(?P<before>[ \t]+(?:[-–—][ \t]+)?\(?)\d{4}-\d{2}-\d{2}(?P<after>\)?)")
_UNRELEASED = re.compile(r"\[?unreleased\]?(?:\([^)\s]*\))?", re.IGNORECASE)
_LINK = re.compile(
    r"(?P<name>\[unreleased\]:[ \t]*)(?P<url>\S*/)(?P<old>[^/\s]+?)(?P<dots>\.{2,3})(?P<head>[^/\s]+)", re.I
)
_DEFINED = re.compile(r"\[[^\]]+\]:[ \t]*\S")  # a link's address
_ESCAPED = re.compile(r"([<\[\]])")


@dataclass(frozen=True)
class Heading:
    """A heading of a version, or of the unreleased changes."""

    text: str
    begin: int  # of its line
    end: int  # after its line
    version: Version | None  # None: the unreleased changes

    @property
    def is_yanked(self) -> bool:
        """Whether the version was withdrawn."""
        return "[yanked]" in self.text.lower()


def headings(text: str) -> list[Heading]:
    """In their order; those in code and comments are none."""
    found = []
    for begin, end, line in _lines(text):
        match = _HEADING.fullmatch(line)
        if match is None:
            continue
        if _UNRELEASED.fullmatch(match["text"]):
            found.append(Heading(match["text"], begin, end, None))
        elif (parts := _VERSION.fullmatch(match["text"])) and (version := Version.read(parts["version"])):
            found.append(Heading(match["text"], begin, end, version))
    return found


def entry_of(text: str, version: Version) -> str | None:
    """The entry of a version, without its heading and the links at the end; None if it has none."""
    found = headings(text)
    for index, item in enumerate(found):
        if item.version == version:
            end = found[index + 1].begin if index + 1 < len(found) else len(text)
            return _without_links(text[item.end : end]).strip()
    return None


def prepared(text: str, after: Version | None) -> Version | None:
    """The highest version with an entry that is higher than the newest tag's; None if there is none."""
    versions = [item.version for item in headings(text) if item.version is not None and not item.is_yanked]
    newer = [item for item in versions if after is None or item > after]
    return max(newer, default=None)


def insert(text: str, tag: Tag, date: str, found: Sequence[VersionCommit]) -> str:
    """The text with the version's entry. The unreleased changes become it; where there are none, the changes are listed.
    ValueError if the version has an entry, or where it would stand is in code or a comment that is never closed."""
    known = headings(text)
    if any(item.version == tag.version for item in known):
        raise ValueError(f"it has an entry for {tag.version}")
    newline = "\r\n" if "\r\n" in text else "\n"
    heading = f"## {_title(known, tag, date)}"
    index = next((index for index, item in enumerate(known) if item.version is None), None)
    after = known[0 if index is None else index + 1 :]
    place = after[0].begin if after else len(_without_links(text))
    if index is not None and _is_written(text[known[index].end : place]):
        place, lines = known[index].end, ["", heading]
    else:
        begun = text[:place]
        ended = not begun or begun.endswith("\n")
        blank = not begun.strip() or re.search(r"\n\r?\n\Z", begun) is not None
        lines = [*([] if ended else [""]), *([] if blank else [""]), heading, "", *entry(found)]
        lines += [""] if text[place:].strip() else []
    inserted = "".join(f"{line}{newline}" for line in lines)
    made = _with_link(text[:place] + inserted + text[place:], heading, tag, newline)
    if entry_of(made, tag.version) is None:
        raise ValueError("it has code or a comment that is never closed")
    return made


def entry(found: Sequence[VersionCommit]) -> list[str]:
    """The lines of an entry: by group where conventional commits are used, oldest first."""
    listed = list(reversed(found))
    if not uses(found):
        return [f"- {_shown(item.subject)}" for item in listed]
    groups = {name: [item for item in listed if item.group == name] for name in ORDER}
    if not any(groups.values()):  # nothing for users: all of it, rather than nothing
        return [f"- {_shown(item.subject)}" for item in listed]
    lines: list[str] = []
    for name, items in groups.items():
        if items:
            lines += ["", f"### {name}", *map(_item, items)]
    return lines[1:]


def _item(change: VersionCommit) -> str:
    scope = f"{_shown(change.scope)}: " if change.scope else ""
    return f"- {'**Breaking:** ' if change.breaking else ''}{scope}{_shown(change.text)}"


def _shown(text: str) -> str:
    """Text that is no HTML and no link."""
    return _ESCAPED.sub(r"\\\1", text)


def _title(known: Sequence[Heading], tag: Tag, date: str) -> str:
    """As the newest version's heading is written."""
    newest = next((item for item in known if item.version is not None), None)
    parts = _VERSION.fullmatch(newest.text) if newest else None
    if newest is None or parts is None:
        bare = any(not item.text.startswith("[") for item in known)
        return f"{tag.version} - {date}" if bare else f"[{tag.version}] - {date}"
    prefix = parts["prefix"] or ""
    linked = "(" in (parts["close"] or "")  # by an address of its own, which isn't known for another version
    name = f"[{prefix}{tag.version}]" if parts["open"] and not linked else f"{prefix}{tag.version}"
    dated = _DATED.search(parts["rest"] or "")
    if dated:
        return f"{name}{dated['before']}{date}{dated['after']}"
    return name if not parts["rest"] else f"{name} - {date}"


def _with_link(text: str, heading: str, tag: Tag, newline: str) -> str:
    """With a link for the version, where the unreleased changes have one that compares with the newest tag."""
    for begin, _, line in _lines(text):
        found = _LINK.fullmatch(line)
        if found is None:
            continue
        name = heading.removeprefix("## [").partition("]")[0] if heading.startswith("## [") else ""
        unreleased = f"{found['name']}{found['url']}{tag.name}{found['dots']}{found['head']}"
        if not name:
            return text[:begin] + unreleased + text[begin + len(line) :]
        own = f"[{name}]: {found['url']}{found['old']}{found['dots']}{tag.name}"
        return text[:begin] + unreleased + newline + own + text[begin + len(line) :]
    return text


def _is_written(section: str) -> bool:
    """Whether a person wrote something there: more than comments, links and headings of empty groups."""
    shown = re.sub(r"<!--.*?-->", "", section, flags=re.DOTALL)
    return any(line.strip() and not line.startswith("#") and not _DEFINED.match(line) for line in shown.splitlines())


def _without_links(text: str) -> str:
    """Without the link definitions and blank lines at its end."""
    place = len(text)
    for begin, _, line in reversed(list(_lines(text))):
        if _DEFINED.match(line):
            place = begin
        elif line.strip():
            break
    return text[:place]


def _lines(text: str) -> list[tuple[int, int, str]]:
    """Begin, end and content of each line outside of code and comments."""
    ends = [0, *(found.end() for found in re.finditer(r"\n", text))]
    if ends[-1] != len(text):
        ends.append(len(text))
    found, fence, comment = [], "", False
    for begin, end in pairwise(ends):
        line = text[begin:end].removesuffix("\n").removesuffix("\r")
        if comment:
            comment = "-->" not in line
            continue
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        if mark:
            fence = mark[1]
            continue
        found.append((begin, end, line))
        opened = line.rpartition("<!--")
        comment = bool(opened[1]) and "-->" not in opened[2]
    return found
