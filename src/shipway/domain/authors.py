"""Who counts as an author of a change: everyone who wrote or co-wrote one of its commits, and which commit that was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import field

from shipway.domain.identity import author_identity
from shipway.domain.mailmap import Mailmap
from shipway.domain.value import dataclass

WITH = re.compile(r"^[ \t]*(co-authored-by|co-developed-by)[ \t]*:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)
SQUASHED = re.compile(r"^[ \t]*(author)[ \t]*:[ \t]*(.*)$", re.IGNORECASE | re.MULTILINE)
SQUASH = "squashed commit of the following"  # the first line of git's default message
ADDRESS = re.compile(r"([^<>]*)<([^<>]*)>|()(\S+@\S+)")
LISTED = 8  # people listed in one message


@dataclass(frozen=True)
class Written:
    """A commit, as git stores it."""

    revision: str
    tree: str
    parents: int
    name: str
    address: str
    message: str
    parent: str = ""  # the first one; "": it has none

    @property
    def is_merge(self) -> bool:
        """Whether it is a merge commit, which counts only for its own changes."""
        return self.parents > 1


@dataclass(frozen=True)
class Author:
    """A person who counts as an author, with all addresses of theirs in commits and in the mailmap."""

    person: str
    addresses: frozenset[str]
    why: str  # author, co-authored-by, merge …
    revision: str  # the first commit by which the person counts

    def render(self) -> str:
        """The author as text for a message."""
        return f"{self.person} ({self.why} of {self.revision[:12]})"


@dataclass
class Authors:
    """The authors of a range of commits; commits are added one by one."""

    mailmap: Mailmap = field(default_factory=Mailmap)
    people: dict[str, Author] = field(default_factory=dict)

    def add(self, commit: Written) -> None:
        """Count everyone a commit names; the author of a merge counts only for changes made in the merge, see
        `name`."""
        if not commit.is_merge:
            self.name(commit.name, commit.address, "author", commit.revision)
        for label, name, address in companions(commit.message):
            self.name(name, address, label, commit.revision)

    def has(self, address: str, name: str = "") -> bool:
        """Whether the owner of this address counts as an author."""
        return self.mailmap.proper(address, name) in self.people

    def find(self, addresses: Iterable[str]) -> Author | None:
        """Return the author who owns one of these addresses."""
        mine = {
            found
            for address in addresses
            for known in self.mailmap.person(address)
            for found in self.mailmap.all_of(known)
        }
        return next((author for author in self.people.values() if author.addresses & mine), None)

    def render(self) -> str:
        """List the authors and the commit by which each counts."""
        listed = [author.render() for author in list(self.people.values())[:LISTED]]
        more = len(self.people) - LISTED
        return ", ".join(listed) + (f" and {more} more" if more > 0 else "") if listed else "no one"

    def name(self, name: str, address: str, why: str, revision: str) -> None:
        """Count one person."""
        person, written = self.mailmap.proper(address, name), author_identity(address)
        known = self.people.get(person)
        addresses = frozenset({person, written})
        if known is None:
            self.people[person] = Author(person, addresses, why, revision)
        elif not addresses <= known.addresses:
            self.people[person] = Author(person, known.addresses | addresses, known.why, known.revision)


def companions(message: str) -> Sequence[tuple[str, str, str]]:
    """Label, name and address of everyone whom a message names as an author, beside the commit's own."""
    found = [*WITH.finditer(message), *(SQUASHED.finditer(message) if SQUASH in message.lower() else ())]
    people = ((line[1].lower(), ADDRESS.search(line[2])) for line in found)
    return [(label, (who[1] or "").strip(), who[2] or who[4] or "") for label, who in people if who]
