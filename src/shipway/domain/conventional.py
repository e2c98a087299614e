"""Conventional commits: what a commit's message says of the next version and of the changelog. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipway.domain.authors import Written
from shipway.domain.value import dataclass
from shipway.domain.version import LEVELS, MAJOR, MINOR, PATCH, Version

# By type: its group in a changelog; "": it concerns no user.
GROUPS = {
    "feat": "Added", "perf": "Changed", "refactor": "", "revert": "Changed", "remove": "Removed", "deprecate": "Deprecated",
    "fix": "Fixed", "security": "Security", "build": "", "chore": "", "ci": "", "deps": "", "docs": "", "style": "", "test": "", "tests": "",
}  # fmt: skip
ORDER = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_HEADER = re.compile(r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\n]*)\))?(?P<breaking>!)?: +(?P<text>\S.*)")
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
_REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,64})\b")


@dataclass(frozen=True)
class VersionCommit:
    """A commit of a version, as people read it. type: "": it is no conventional commit."""

    revision: str
    author: str  # e-mail address
    subject: str  # the whole first line
    type: str = ""
    scope: str = ""
    text: str = ""  # the subject without type and scope; the subject itself without a type
    breaking: bool = False

    @property
    def group(self) -> str:
        """Its group in a changelog; "": it concerns no user."""
        if not self.type:
            return "Changed"
        return GROUPS[self.type] or ("Changed" if self.breaking else "")


def change(commit: Written) -> VersionCommit:
    """Read a commit's message."""
    subject = plain(commit.message.strip().partition("\n")[0])
    found = _HEADER.fullmatch(subject)
    if found is None or found["type"].lower() not in GROUPS:
        return VersionCommit(commit.revision, commit.address, subject, text=subject)
    breaking = bool(found["breaking"]) or _BREAKING.search(commit.message) is not None
    return VersionCommit(
        commit.revision, commit.address, subject, found["type"].lower(), plain(found["scope"] or ""), found["text"], breaking
    )  # fmt: skip


def changes(commits: Sequence[Written]) -> list[VersionCommit]:
    """The commits, newest first, without merges, and without those that another one of them reverts, both."""
    reverted: set[str] = set()
    found = []
    for commit in commits:
        if commit.is_merge or commit.revision in reverted:
            continue
        named = [item[1] for item in _REVERTS.finditer(commit.message)]
        undone = {other.revision for other in commits for name in named if other.revision.startswith(name)}
        if undone and len(undone) == len(named):
            reverted |= undone
        else:
            found.append(change(commit))
    return found


def uses(found: Sequence[VersionCommit]) -> bool:
    """Whether the repository uses conventional commits: at least half of them are."""
    return bool(found) and 2 * sum(bool(item.type) for item in found) >= len(found)


def level(found: Sequence[VersionCommit]) -> str:
    """The greatest level that one of the changes asks for."""
    asked = [MAJOR if item.breaking else MINOR if item.type == "feat" else PATCH for item in found]
    return max(asked, key=LEVELS.index, default=PATCH)


def proposed(before: Version | None, found: Sequence[VersionCommit]) -> Version:
    """The next version: by conventional commits where they are used, else a patch. Before 1.0.0, a breaking change raises
    the minor version; the first version is 0.1.0."""
    if before is None:
        return Version(0, 1, 0)
    asked = level(found) if uses(found) else PATCH
    if before.pre:  # its own version ends it, if that is enough
        own = Version(before.major, before.minor, before.patch)
        had = MAJOR if not own.minor and not own.patch else MINOR if not own.patch else PATCH
        if LEVELS.index(asked) <= LEVELS.index(had) or (asked == MAJOR and own.major == 0 and had == MINOR):
            return own
    return before.next(MINOR if asked == MAJOR and before.major == 0 else asked)


def plain(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
