"""What runs in an environment."""

from __future__ import annotations

from shipway.context import Context, environment_of
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release


def serving(ctx: Context, app: str, environment: str) -> tuple[Deployment, Release, Environment]:
    """The current deployment. UsageError if nothing runs there."""
    now = ctx.ledger.current(app, environment)
    release = ctx.ledger.release(app, now.release) if now else None
    if now is None or release is None:
        raise UsageError(
            f"nothing runs in {environment}",
            hint=f"`shipway deploy {environment}` deploys a release; `shipway history {environment}` lists what ran there",
        )
    return now, release, environment_of(release.plan, environment)
