"""The seed of an environment: whether a deployment runs it, and the record of one that runs once."""

from __future__ import annotations

from shipway.actions.deployments.checks import run_seed
from shipway.actions.environment.ended import ended
from shipway.context import Context
from shipway.domain.desired import Settings
from shipway.domain.errors import ShipwayError
from shipway.domain.launch import FAILED, PENDING, SEED, SUCCEEDED, LaunchRecord, seed_due
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.tasks import ENVIRONMENT


def is_due(ctx: Context, app: str, environment: Environment) -> bool:
    """Whether a deployment runs the environment's seed."""
    seed = environment.seed
    if seed is None or seed.each != ENVIRONMENT:
        return seed is not None
    records = ctx.ledger.launch_records(app, environment.name)
    return seed_due(seed.each, records, ended(ctx, app, environment.name))


def seed(here: Context, release: Release, environment: Environment, settings: Settings, *, asked: bool = False) -> None:
    """Run the seed on this host. StepFailed if it fails. One that runs once is recorded, and so is one that a person asked
    for. The success of a deployment's is recorded by `seeded`."""
    found = environment.seed
    assert found is not None
    recorded = asked or found.each == ENVIRONMENT
    if recorded:
        _record(here, release, environment, PENDING, found.run)
    try:
        run_seed(here, release, environment, settings)
    except ShipwayError as error:
        if recorded:
            _record(here, release, environment, FAILED, error.message)
        raise
    if asked:
        seeded(here, release, environment)


def seeded(ctx: Context, release: Release, environment: Environment) -> None:
    """Record that a seed which runs once has run. Not before its deployment serves: the failure of a first one discards the
    database."""
    assert environment.seed is not None
    _record(ctx, release, environment, SUCCEEDED, environment.seed.run)


def _record(ctx: Context, release: Release, environment: Environment, outcome: str, detail: str) -> None:
    ctx.ledger.add_launch_record(
        LaunchRecord(release.app, environment.name, SEED, outcome, release.number, detail, ctx.actor, ctx.clock())
    )
