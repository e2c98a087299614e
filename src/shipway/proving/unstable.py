"""Differences that appear each time migrations run, whatever the down migrations do: a time or a random value that the
server fixes when an object is created, such as `DEFAULT 'now'::timestamp`, or a partition named after the day."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field

from shipway.domain.catalog import Catalog, Difference, compare
from shipway.domain.value import dataclass

_VARIABLE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-f]*\d)[0-9a-f]{4,}|\d+")
_WORD = re.compile(r"([0-9A-Za-z]+)")
Key = tuple[str, str]  # kind and name


def mask(text: str) -> str:
    """Without numbers, times and hexadecimal values."""
    return _VARIABLE.sub("#", text)


@dataclass(frozen=True)
class Unstable:
    """What differed between two runs of the same migrations."""

    names: frozenset[Key] = frozenset()  # objects whose name differs, masked
    words: Mapping[tuple[str, str, str], frozenset[int]] = field(default_factory=dict)
    """By kind, name and property: the places of the words that differ."""

    def __or__(self, other: Unstable) -> Unstable:
        words = {
            key: self.words.get(key, frozenset()) | other.words.get(key, frozenset())
            for key in {*self.words, *other.words}
        }
        return Unstable(self.names | other.names, words)


def unstable(first: Catalog, second: Catalog) -> Unstable:
    """Both are results of the same migrations. Names count only if they differ in numbers, times or hexadecimal values."""
    differences = compare(first, second)
    words = {
        (difference.kind, difference.name, facet): places
        for difference in differences
        if difference.change == "changed"
        for facet, pair in difference.facets.items()
        if (places := _places(*pair)) is not None
    }
    return Unstable(frozenset(_renamed(differences)), words)


def possibly_unstable(differences: Sequence[Difference]) -> bool:
    """Whether another run can show some of them to be unstable."""
    values = [pair for item in differences if item.change == "changed" for pair in item.facets.values()]
    return bool(_renamed(differences)) or any(mask(before) == mask(after) for before, after in values)


def without(differences: Sequence[Difference], found: Unstable, *, names: bool) -> tuple[Difference, ...]:
    """The other differences. names: objects under a name that differs each time don't count. They do where one side was
    there before the migrations: it is gone, whatever the other one is called."""
    renamed = _renamed(differences) & found.names if names else set()
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
    """Whether the values differ only in words that differ each time."""
    places = _places(*pair)
    return places is not None and places <= found.words.get((difference.kind, difference.name, facet), frozenset())


def _places(before: str, after: str) -> frozenset[int] | None:
    """The places of words that differ; None if anything else does."""
    old, new = _WORD.split(before), _WORD.split(after)
    if len(old) != len(new) or old[::2] != new[::2]:
        return None
    return frozenset(place for place, (one, other) in enumerate(zip(old, new, strict=True)) if one != other)


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
