"""The end of the page that visitors see until the system test has passed."""

from __future__ import annotations

from shipway.actions.upkeep.maintenance import maintain, maintained
from shipway.context import Context
from shipway.domain.plan import Environment


def is_closed(ctx: Context, app: str, environment: Environment) -> bool:
    """Whether visitors see a page."""
    return maintained(ctx, app, environment)


def open_address(ctx: Context, app: str, environment: Environment) -> str:
    """End the page, in one switch on each host."""
    if not is_closed(ctx, app, environment):
        return "visitors were let in before"
    maintain(ctx, app, environment, None)
    return f"{environment.url} is open"
