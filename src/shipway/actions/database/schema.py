"""Decide on the schema: which migrations are applied or reverted, and by which release's image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field

from shipway.actions.database.down_migration_tool import down_migration_tool
from shipway.actions.database.external import require_answers
from shipway.actions.environment.jobs import database_tool, files_of
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.container import LABEL_NAME
from shipway.domain.contract import released
from shipway.domain.desired import Settings
from shipway.domain.observed import Observed
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release
from shipway.domain.rollback_plan import RollbackPlan
from shipway.domain.schema_history import CODE_ONLY, ahead, schema_revisions
from shipway.domain.value import dataclass
from shipway.ports import DatabaseTool


@dataclass(frozen=True)
class Schema:
    """The decision."""

    current: str | None  # the current revision of the database, according to the ledger
    target: str | None  # the target revision
    up: tuple[str, ...] = ()
    down: tuple[str, ...] | None = None
    deferred: tuple[str, ...] = ()  # deferred to the next release
    rollback: RollbackPlan | None = (
        None  # of a rollback; or of a deployment that keeps a schema newer than both releases
    )
    tool: DatabaseTool | None = field(default=None, repr=False)  # of the release that has these migrations


def decide_schema(
    ctx: Context, release: Release, environment: Environment, own: Settings, deployments: Sequence[Deployment],
    observed: Observed, rollback: RollbackPlan | None,
) -> Schema:  # fmt: skip
    """Decide. ctx: of the host of the database. deployments: of the environment, newest first. rollback: the plan of a rollback."""
    revisions = schema_revisions(deployments)
    current_revision = revisions[-1].schema if revisions else None
    previous = history.current(deployments)
    before = ctx.ledger.release(release.app, previous.release) if previous else None
    if (
        rollback is None
        and before is not None
        and release.schema == before.schema
        and (above := ahead(deployments, before)) is not None
    ):
        rollback = RollbackPlan(CODE_ONLY, above)  # its tool would not know the database's revision
    if rollback is not None:
        # The image that brought the current schema has all migrations; an older one doesn't know the revision.
        if release.plan.database is None or current_revision is None or rollback.schema == current_revision:
            return Schema(current_revision, rollback.schema, rollback=rollback)
        tool = down_migration_tool(ctx, release, revisions, environment, own)
        return Schema(
            current_revision,
            rollback.schema,
            down=(f"{current_revision} → {rollback.schema}",),
            rollback=rollback,
            tool=tool,
        )
    # Running the tool costs a container: only if the ledger does not show that the schema is current.
    is_current = previous is not None and deployments[0].schema == previous.schema == release.schema
    if release.plan.database is None or (is_current and _running(ctx, release, environment, observed)):
        return Schema(current_revision, release.schema)
    return _up(ctx, release, environment, own, deployments, observed, current_revision)


def _running(ctx: Context, release: Release, environment: Environment, observed: Observed) -> bool:
    """Whether the database can be asked; an external one as soon as the environment has its network, a file once it has the
    volume."""
    database, migrated = release.plan.database, release.migrated
    assert database is not None
    if migrated and migrated.file:
        volume = names.volume(release.app, environment.name, migrated.file.volume)
        return bool(observed.services) and ctx.runtime.has_volume(volume)
    if database.accessory not in release.plan.own_accessories:
        return bool(observed.services)
    return any(item.running and item.labels.get(LABEL_NAME) == database.accessory for item in observed.accessories)


def unchanged(deployments: Sequence[Deployment]) -> Schema:
    """The decision to leave the schema as it is, for the release that runs."""
    revisions, now = schema_revisions(deployments), history.current(deployments)
    current = revisions[-1].schema if revisions else None
    return Schema(current, current, rollback=RollbackPlan(now.way, now.goal) if now and now.way else None)


def _up(
    ctx: Context, release: Release, environment: Environment, own: Settings, deployments: Sequence[Deployment], observed: Observed,
    current_revision: str | None,
) -> Schema:  # fmt: skip
    database = release.plan.database
    assert database is not None
    if database.accessory not in release.plan.own_accessories and observed.services:
        require_answers(ctx, release, environment, own)
    tool = database_tool(ctx, release, environment, own)
    assert tool is not None
    if not _running(ctx, release, environment, observed):
        whole = (f"all up to {release.schema}",) if release.schema else ()
        return Schema(current_revision, release.schema, whole, tool=tool)
    pending = tool.pending()
    before = history.previous_release(deployments, release.number)
    if database.contract is None or before is None or not pending:
        return Schema(current_revision, release.schema, tuple(pending), tool=tool)
    up, held = ripe(ctx, release, environment, own, pending, ctx.ledger.release(release.app, before))
    target = release.schema if not held else up[-1] if up else current_revision
    return Schema(current_revision, target, up, deferred=held, tool=tool)


def ripe(
    ctx: Context,
    release: Release,
    environment: Environment,
    own: Settings,
    pending: Sequence[str],
    before: Release | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The pending revisions that a deployment applies after the previous release, and the names of the deferred
    ones."""
    database = release.plan.database
    assert database is not None
    if database.contract is None or before is None:
        return tuple(pending), ()
    called = _names(ctx, release, environment, own, pending) if database.tool == "sql" else {}
    up = released(pending, called, database.contract, before.schema)
    return up, tuple(called.get(item, item) for item in pending[len(up) :])


def _names(
    ctx: Context, release: Release, environment: Environment, own: Settings, revisions: Sequence[str]
) -> dict[str, str]:
    """For plain SQL, whose revisions are only version numbers: the names of files or folders without the direction."""
    database = release.plan.database
    assert database is not None
    found: dict[str, str] = {}
    for path in files_of(ctx, release, environment, own, database.folder or ""):
        name = re.sub(r"(\.up|\.down)?\.sql$", "", path.removesuffix("/up.sql").removesuffix("/down.sql"))
        version = re.match(r"[VU]?(\d[\d._-]*?)_", name)
        if version:
            found[version[1].replace("-", "").replace("_", ".")] = name
    return {revision: found.get(revision, revision) for revision in revisions}
