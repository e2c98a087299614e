"""git's `.mailmap`: maps addresses in commits to people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from functools import cached_property

from shipway.domain.identity import author_identity
from shipway.domain.value import dataclass

LINE = re.compile(r"(?P<proper>[^<>]*)<(?P<address>[^<>]*)>(?:(?P<name>[^<>]*)<(?P<old>[^<>]*)>)?")


@dataclass(frozen=True)
class Mailmap:
    """Canonical addresses by commit address and name ("": any name)."""

    entries: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Mailmap:
        """Parse the file; invalid lines are ignored, as git does."""
        entries = {}
        for line in text.splitlines():
            found = None if line.startswith("#") else LINE.match(line.strip())
            if found and found["old"]:
                entries[author_identity(found["old"]), found["name"].strip().casefold()] = author_identity(
                    found["address"]
                )
        return cls(entries)

    def proper(self, address: str, name: str = "") -> str:
        """The person's canonical address; the name in the commit may matter."""
        known = author_identity(address)
        return self.entries.get((known, name.strip().casefold())) or self.entries.get((known, "")) or known

    @cached_property
    def joined(self) -> Mapping[str, str]:
        """Addresses that are one person's whatever the name in the commit, with the canonical one. An address that
        several people share, told apart by their names, is missing."""
        found = {}
        for old in {address for address, _ in self.entries}:
            named = {self.proper(proper) for (address, _), proper in self.entries.items() if address == old}
            proper = self.entries.get((old, "")) or (next(iter(named)) if len(named) == 1 else old)
            if proper != old:
                found[old] = proper
        return found

    def person(self, address: str) -> frozenset[str]:
        """All addresses of the person who approves under this one, also over several lines."""
        found, more = set[str](), {author_identity(address)}
        while more:
            found |= more
            more = {side for pair in self.joined.items() if found & set(pair) for side in pair} - found
        return frozenset(found)

    def canonical(self, addresses: Iterable[str]) -> str:
        """One of a person's addresses, always the same."""
        known = set(addresses)
        return min(known - self.joined.keys() or known)

    def all_of(self, address: str) -> set[str]:
        """All known addresses of the person with this address, whatever the names."""
        known = author_identity(address)
        mine = {known} | {proper for (old, _), proper in self.entries.items() if old == known}
        return mine | {old for (old, _), proper in self.entries.items() if proper in mine}


EMPTY = Mailmap()
