"""Repositories that are asked for new commits, where nothing tells of a push."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.domain.queue import ZEROS
from shipway.domain.refs import HEADS, TAGS
from shipway.domain.value import dataclass

LEAST = 10.0  # seconds between two looks


@dataclass(frozen=True)
class Poll:
    """A repository that is asked. seq: how often something was seen there. refs: commits by full names of branches and tags, as
    seen last; None: nothing was seen yet."""

    name: str
    address: str  # to clone it
    every: float  # seconds
    actor: str  # who added it
    created: float  # seconds since the epoch by the ledger's clock
    seq: int = 0
    refs: Mapping[str, str] | None = None
    asked: float = 0.0  # when it was asked last; 0: never
    problem: str = ""  # why the last look failed


@dataclass(frozen=True)
class Moved:
    """A branch or a tag that is new, or elsewhere than before."""

    ref: str
    old: str
    new: str


def moved(before: Mapping[str, str] | None, now: Mapping[str, str]) -> list[Moved]:
    """What changed between two looks, branches first. Of the first look nothing: what was there before is not run."""
    if before is None:
        return []
    found = [Moved(ref, before.get(ref, ZEROS), new) for ref, new in now.items() if before.get(ref) != new]
    return sorted(found, key=lambda item: (item.ref.startswith(TAGS), item.ref))


def of_ls_remote(text: str) -> dict[str, str]:
    """Commits by ref, from the lines of `git ls-remote`; of a tag with a message the commit that it names."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        commit, _, ref = line.partition("\t")
        name = ref.removesuffix("^{}")
        if name.startswith((HEADS, TAGS)) and (ref != name or name not in found):
            found[name] = commit
    return found
