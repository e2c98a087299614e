"""git's `.mailmap`: maps addresses in commits to people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from shipway.domain.identity import author_identity

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
                entries[author_identity(found["old"]), found["name"].strip().casefold()] = author_identity(found["address"])
        return cls(entries)

    def proper(self, address: str, name: str = "") -> str:
        """The person's canonical address; the name in the commit may matter."""
        known = author_identity(address)
        return self.entries.get((known, name.strip().casefold())) or self.entries.get((known, "")) or known

    def all_of(self, address: str) -> set[str]:
        """All known addresses of the person with this address, whatever the names."""
        known = author_identity(address)
        mine = {known} | {proper for (old, _), proper in self.entries.items() if old == known}
        return mine | {old for (old, _), proper in self.entries.items() if proper in mine}
