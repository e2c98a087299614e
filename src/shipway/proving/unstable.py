"""Differences that appear each time migrations run, whatever the down migrations do: a time or a random value that the
server fixes when an object is created, such as `DEFAULT 'now'::timestamp`, or a partition named after the day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shipway.domain.catalog import Catalog, Difference, compare

_VARIABLE = re.compile(r"[0-9a-f]{8,}|\d+")
Key = tuple[str, str]  # kind and name, masked


def mask(text: str) -> str:
    """Without numbers, times and hexadecimal values."""
    return _VARIABLE.sub("#", text)


@dataclass(frozen=True)
class Unstable:
    """What differed between two runs of the same migrations."""

    names: frozenset[Key] = frozenset()  # objects whose name differs
    facets: frozenset[tuple[str, str, str]] = frozenset()  # kind, masked name and property

    def __or__(self, other: Unstable) -> Unstable:
        return Unstable(self.names | other.names, self.facets | other.facets)


def unstable(first: Catalog, second: Catalog) -> Unstable:
    """Only differences in numbers, times and hexadecimal values count: others have another cause."""
    differences = compare(first, second)
    facets = frozenset(
        (*_key(difference), facet)
        for difference in differences
        if difference.change == "changed"
        for facet, (before, after) in difference.facets.items()
        if mask(before) == mask(after)
    )
    return Unstable(frozenset(_renamed(differences)), facets)


def possibly_unstable(differences: Sequence[Difference]) -> bool:
    """Whether another run can show some of them to be unstable."""
    facets = frozenset((*_key(item), facet) for item in differences for facet in item.facets)
    return without(differences, Unstable(frozenset(map(_key, differences)), facets)) != tuple(differences)


def without(differences: Sequence[Difference], found: Unstable) -> tuple[Difference, ...]:
    """The other differences."""
    renamed = _renamed(differences) & found.names
    kept = []
    for difference in differences:
        if difference.change != "changed":
            kept += [] if _key(difference) in renamed else [difference]
            continue
        facets = {
            name: pair for name, pair in difference.facets.items() if not _expected(difference, name, pair, found)
        }
        if facets:
            kept.append(Difference("changed", difference.kind, difference.name, facets))
    return tuple(kept)


def _expected(difference: Difference, facet: str, pair: tuple[str, str], found: Unstable) -> bool:
    return (*_key(difference), facet) in found.facets and mask(pair[0]) == mask(pair[1])


def _renamed(differences: Sequence[Difference]) -> set[Key]:
    """Objects that are added as often as removed, under names that differ only in numbers, with the same properties."""
    sides: Mapping[str, Counter[tuple[Key, str]]] = {"added": Counter(), "removed": Counter()}
    for difference in differences:
        if difference.change in sides:
            facets = sorted((name, mask(before or after)) for name, (before, after) in difference.facets.items())
            sides[difference.change][_key(difference), repr(facets)] += 1
    both = {key for key, _ in sides["added"].keys() & sides["removed"].keys()}
    other = (sides["added"] - sides["removed"]) + (sides["removed"] - sides["added"])
    return both - {key for key, _ in other}


def _key(difference: Difference) -> Key:
    return difference.kind, mask(difference.name)
