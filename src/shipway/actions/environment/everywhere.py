"""Do the same for every environment of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shipway.context import Context
from shipway.system.parallel import attempt_all


def everywhere(ctx: Context, app: str | None, work: Callable[[str, str], object]) -> None:
    """For each environment of the app, or of all apps, one after another. Errors of one don't stop the others, and are raised
    together at the end. work: gets the app and the environment."""
    apps = [app] if app else ctx.ledger.apps()
    places = [(each, environment) for each in apps for environment in ctx.ledger.environments(each)]
    attempt_all(*(partial(work, *place) for place in places))
