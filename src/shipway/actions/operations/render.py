"""A release in an environment, as a platform that Shipway doesn't deploy to gets it."""

from __future__ import annotations

from collections.abc import Callable

from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.find_release import which_release
from shipway.actions.environment.observe import version_of
from shipway.context import environment_of
from shipway.domain import names
from shipway.domain.database import Database
from shipway.domain.errors import UsageError
from shipway.domain.workload import EnvironmentSpec, environment_spec


def render(
    known: KnownApp, environment: str, which: str | None, migration: Callable[[Database], str | None]
) -> EnvironmentSpec:
    """The release that runs there; without one, the newest. which: another one, by number or version. migration: the command
    of a migration tool. UsageError if there is none. Nothing is read but the ledger, and no value of a secret."""
    ctx = known.ctx
    _, where = known.with_plan(environment)
    if which:
        release = which_release(ctx, known.name, which, revisions=False)
        if release is None:
            raise UsageError(f"{known.name} has no release {which}", hint="`shipway history` lists them")
    else:
        current = ctx.ledger.current(known.name, where.name)
        newest = ctx.ledger.releases(known.name, limit=1)
        release = ctx.ledger.release(known.name, current.release) if current else newest[0] if newest else None
        if release is None:
            raise UsageError(f"{known.name} has no release yet", hint="`shipway run` builds one")
    chosen = environment_of(release.plan, where.name)
    database = release.plan.database
    versions = dict(ctx.secrets.names(names.scope(known.name, where.name)))
    return environment_spec(
        release,
        chosen,
        version_of(ctx, release, chosen),
        ctx.kinds,
        versions,
        migration(database) if database else None,
    )
