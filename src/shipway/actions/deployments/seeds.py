"""The seed of an environment: whether a deployment runs it, and the record of one that runs once."""

from __future__ import annotations

from shipway.actions.deployments.checks import run_seed
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
    return seed_due(seed.each, records, ctx.ledger.destroyed(app, environment.name))


def seed(here: Context, release: Release, environment: Environment, settings: Settings, *, asked: bool = False) -> None:
    """Run the seed on this host, and record it if it runs once, or if a person asked. StepFailed if it fails: the next
    deployment runs it again."""
    found = environment.seed
    assert found is not None
    if found.each != ENVIRONMENT and not asked:
        run_seed(here, release, environment, settings)
        return

    def record(outcome: str, detail: str) -> None:
        here.ledger.add_launch_record(
            LaunchRecord(release.app, environment.name, SEED, outcome, release.number, detail, here.actor, here.clock())
        )

    record(PENDING, found.run)
    try:
        run_seed(here, release, environment, settings)
    except ShipwayError as error:
        record(FAILED, error.message)
        raise
    record(SUCCEEDED, found.run)
