"""The schema history of an environment: which release brought which revision."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain import history
from shipway.domain.release import DEPLOY, RESTORE, SUCCEEDED, Deployment, Release
from shipway.domain.value import dataclass

CODE_ONLY = "code only"  # `way` of a deployment that kept a schema newer than its code


@dataclass(frozen=True)
class SchemaRevision:
    """A schema revision that resulted from a deployment."""

    schema: str
    release: int  # the first release that resulted in it: its image has the down migrations from there


def schema_revisions(deployments: Sequence[Deployment]) -> list[SchemaRevision]:
    """The schema history from an environment's deployments (newest first): oldest revision first, the current one last.

    Failed deployments count if they changed the revision.
    """
    found: list[SchemaRevision] = []
    brought: dict[str, int] = {}  # the newest release that brought it, also for revisions reverted since
    for item in reversed(history.since_last_destroy(deployments)):
        if item.schema is None or not (found or item.outcome == SUCCEEDED):  # a failed first one leaves no database
            continue
        known = [level.schema for level in found]
        if item.schema in known:
            found = found[: known.index(item.schema) + 1]
        else:
            # Only a restored snapshot returns to a reverted revision; a release may reuse its name for another
            # migration.
            number = brought.get(item.schema, item.release) if item.kind == RESTORE else item.release
            brought[item.schema] = number
            found.append(SchemaRevision(item.schema, number))
    return found


def own_schema(deployments: Sequence[Deployment], release: Release) -> str | None:
    """The revision that a release was made for: the one that its own deployment in the environment resulted in."""
    own = (
        item.schema for item in history.since_last_destroy(deployments)
        if item.release == release.number and (item.outcome, item.kind) == (SUCCEEDED, DEPLOY) and item.way != CODE_ONLY
    )  # fmt: skip
    return next(own, None) or release.schema


def ahead(deployments: Sequence[Deployment], current: Release) -> str | None:
    """The revision that a rollback kept, if it is newer than the running code's; else None."""
    now = history.current(deployments)
    if now is None or not now.way or now.schema == own_schema(deployments, current):
        return None
    return now.schema
