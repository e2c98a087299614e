"""The end of the page that visitors see until the system test has passed."""

from __future__ import annotations

from shipway.actions.upkeep.maintenance import maintain, maintained
from shipway.context import Context
from shipway.domain.errors import DeployFailed
from shipway.domain.plan import Environment
from shipway.domain.system_test import newest


def is_closed(ctx: Context, app: str, environment: Environment) -> bool:
    """Whether visitors see a page."""
    return maintained(ctx, app, environment)


def untested(ctx: Context, app: str, environment: str) -> str:
    """Why what runs there is not tested; empty if its newest system test has passed."""
    now = ctx.ledger.current(app, environment)
    if now is None:
        return "nothing runs there yet"
    found = newest(ctx.ledger.evidence(app, now.release), environment)
    if found is None or found.at < (now.finished or now.started):
        return "it did not run for this deployment"
    return "" if found.passed else f"it failed: {found.headline}"


def open_address(ctx: Context, app: str, environment: Environment) -> str:
    """End the page, in one switch on each host; on none if one of them can't be reached. DeployFailed if what runs is not tested:
    something may have been deployed since the system test."""
    if not is_closed(ctx, app, environment):
        return "visitors were let in before"

    def require_tested(own: Context) -> None:
        if why := untested(own, app, environment.name):
            raise DeployFailed(
                f"{environment.name} stays closed: the system test of what runs there has not passed: {why}",
                hint=f"shipway launch {environment.name}",
            )
        for host in environment.hosts:
            own.on(host.name)

    maintain(ctx, app, environment, None, check=require_tested)
    return f"{environment.url} is open"
