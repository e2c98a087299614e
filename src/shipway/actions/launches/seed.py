"""Run the seed of an environment again."""

from __future__ import annotations

from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.seeds import seed
from shipway.actions.environment.observe import settings
from shipway.actions.environment.serving import serving
from shipway.context import Context
from shipway.domain.errors import UsageError

WAIT = 60.0  # seconds to wait for a deployment in progress


def seed_again(ctx: Context, app: str, environment: str) -> None:
    """Run it in the release that runs there, and record it. StepFailed if it fails, UsageError without a seed."""
    serving(ctx, app, environment)
    with exclusive_access(ctx, app, environment, "seed", wait=WAIT) as own:
        now, release, where = serving(own, app, environment)
        if where.seed is None:
            raise UsageError(
                f"release {release.number}, which runs in {environment}, has no seed there",
                hint=f"add `seed: {{service: …, run: …}}` to {environment} in the plan, and deploy it",
            )
        here = own.on(where.hosts[0].name)
        with here.part("seed", where.seed.run):
            seed(here, release, where, settings(own, release, where, like=now), asked=True)
