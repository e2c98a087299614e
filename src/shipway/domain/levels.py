"""The levels that an environment's schema stands on, as its history tells: which release brought which revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.domain import rollback as back
from shipway.domain.release import DEPLOY, RESTORE, SUCCEEDED, Deployment, Release

CODE_ONLY = "code only"  # `way` of a deployment that left the schema ahead of its code


@dataclass(frozen=True)
class Level:
    """One revision of the schema that a deployment left."""

    schema: str
    release: int  # the first that left it so: its image has the scripts that lead down from there


def levels(deployments: Sequence[Deployment]) -> list[Level]:
    """Of an environment's deployments, newest first: its levels, the lowest first; the last one is where it stands.

    Also those that failed count, where they left the schema at another revision.
    """
    found: list[Level] = []
    brought: dict[str, int] = {}  # the newest release that did, also of levels that the schema has left since
    for item in reversed(back.standing(deployments)):
        if item.schema is None or not (found or item.outcome == SUCCEEDED):  # a first one that fails leaves no database
            continue
        known = [level.schema for level in found]
        if item.schema in known:
            found = found[: known.index(item.schema) + 1]
        else:
            # Only a snapshot leads up by itself; a release may bring another migration under a name that was reverted.
            number = brought.get(item.schema, item.release) if item.kind == RESTORE else item.release
            brought[item.schema] = number
            found.append(Level(item.schema, number))
    return found


def own_schema(deployments: Sequence[Deployment], release: Release) -> str | None:
    """The revision that a release was made for in an environment: the one that its own deployment left."""
    own = (
        item.schema for item in back.standing(deployments)
        if item.release == release.number and (item.outcome, item.kind) == (SUCCEEDED, DEPLOY) and item.way != CODE_ONLY
    )  # fmt: skip
    return next(own, None) or release.schema


def ahead(deployments: Sequence[Deployment], current: Release) -> str | None:
    """The revision that a rollback left, where that is ahead of the code that runs; else None."""
    now = back.current(deployments)
    if now is None or not now.way or now.schema == own_schema(deployments, current):
        return None
    return now.schema
