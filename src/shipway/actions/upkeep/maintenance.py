"""Show a maintenance page to all visitors; deployments and checks continue behind it."""

from __future__ import annotations

from collections.abc import Callable

from shipway.actions.deployments.plan import hosts_of
from shipway.actions.environment.locks import environment_lease
from shipway.actions.environment.ownership import require_owned
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>We will be back soon</title>
<style>body{font:18px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;color:#223}</style>
</head><body><h1>We will be back soon</h1><p>This site is being worked on. Please try again in a few minutes.</p></body></html>
"""


def maintain(
    ctx: Context, app: str, environment: Environment, page: str | None, check: Callable[[Context], None] | None = None
) -> None:
    """Show the page on every host; None removes it. check: raises what forbids that, while no deployment can begin.
    UsageError if nothing was deployed."""
    current = ctx.ledger.current(app, environment.name)
    release = ctx.ledger.release(app, current.release) if current else None
    if release is None:
        raise UsageError(f"nothing was deployed to {environment.name} yet", hint=f"shipway deploy {environment.name}")
    owner = names.route_owner(app, environment.name)
    with environment_lease(ctx, app, environment.name, "maintenance") as own:
        if check is not None:
            check(own)
        for host in hosts_of(own, environment, release):
            here = own.on(host.name)
            require_owned(here, app, environment.name)
            table = here.edge.routes(owner)
            if table is not None:
                here.edge.maintain(owner, table["url"], page)  # type: ignore[arg-type]


def maintained(ctx: Context, app: str, environment: Environment) -> bool:
    """Whether any host shows it."""
    owner = names.route_owner(app, environment.name)
    return any(ctx.on(host.name).edge.maintained(owner) for host in environment.hosts)
