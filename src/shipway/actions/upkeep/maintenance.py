"""Show a maintenance page to all visitors; deployments and checks continue behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shipway.actions.deployments.plan import hosts_of
from shipway.actions.environment.locks import environment_lease
from shipway.actions.environment.maintenance import forget, remember, switch
from shipway.actions.environment.ownership import require_owned
from shipway.context import Context
from shipway.domain import names
from shipway.domain.count import counted
from shipway.domain.errors import EdgeError, EngineError, ShipwayError, UsageError
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
    """Show the page on every host; None removes it. check: raises what forbids that, while no deployment can begin. UsageError if
    nothing was deployed. A host that can't be reached doesn't stop the others: EngineError names it when they are done, and
    `doctor --fix` or the next deployment corrects it."""
    current = ctx.ledger.current(app, environment.name)
    release = ctx.ledger.release(app, current.release) if current else None
    if release is None:
        raise UsageError(f"nothing was deployed to {environment.name} yet", hint=f"shipway deploy {environment.name}")
    with environment_lease(ctx, app, environment.name, "maintenance") as own:
        if check is not None:
            check(own)
        missed: dict[str, ShipwayError] = {}
        hosts = [host.name for host in hosts_of(own, environment, release)]
        reached = [name for name in hosts if _reached(own, app, environment.name, name, missed)]
        if not reached:
            raise next(iter(missed.values()))
        remember(own, app, environment.name, page)
        for name in reached:
            try:
                switch(own.on(name), app, environment.name, page)
            except (EngineError, EdgeError) as error:
                missed[name] = error
        if missed:
            raise _incomplete(environment.name, page, missed, len(hosts))
        if page is None:
            forget(own, app, environment.name)


def _reached(ctx: Context, app: str, environment: str, name: str, missed: dict[str, ShipwayError]) -> bool:
    try:
        require_owned(ctx.on(name), app, environment)
        return True
    except EngineError as error:
        missed[name] = error
        return False


def _incomplete(environment: str, page: str | None, missed: Mapping[str, ShipwayError], count: int) -> EngineError:
    state, whole = ("on", "the page") if page is not None else ("off", "the release")
    listed = "; ".join(f"{name} ({error.message})" for name, error in missed.items())
    return EngineError(
        f"maintenance is {state} on {count - len(missed)} of {counted(count, 'host')}, and visitors see {whole} there; "
        f"not on {listed}",
        hint=f"once it is back: `shipway doctor {environment} --fix`, or the next deployment, switches it too; "
        "visitors who are led to it until then see what it showed before",
    )


def maintained(ctx: Context, app: str, environment: Environment) -> bool:
    """Whether any host shows it."""
    owner = names.route_owner(app, environment.name)
    return any(ctx.on(host.name).edge.maintained(owner) for host in environment.hosts)
