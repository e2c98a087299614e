"""The nodes of a platform, as a MemoryRuntime knows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence


class MemoryNodes:
    """lost: names of the hosts whose machines count as down."""

    lost: Collection[str] = ()

    def down(self, away: Sequence[str], hosts: Sequence[str]) -> frozenset[str]:
        return frozenset(self.lost) & frozenset(away)

    def claim(self, labels: Mapping[str, str], hosts: Sequence[str]) -> bool:
        return False

    def remove_leftovers(self, labels: Mapping[str, str]) -> None:
        """An engine keeps nothing beside its containers."""
