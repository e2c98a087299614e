"""The page that visitors see from a launch's first deployment until its system test has passed."""

from __future__ import annotations

from shipway.actions.deployments.plan import hosts_of
from shipway.context import Context
from shipway.domain import names
from shipway.domain.launch import begun
from shipway.domain.plan import Environment

HOLDING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Opening soon</title>
<style>body{font:18px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;color:#223}</style>
</head><body><h1>Opening soon</h1><p>This site is not open yet. Please come back later.</p></body></html>
"""


def holding_page(ctx: Context, app: str, environment: Environment) -> str | None:
    """The page that a deployment shows, by whatever command, while a launch has begun and not opened the address: a first
    deployment, and each one behind a page, since its names or hosts may be others. None: visitors see the release, or
    what they saw."""
    records = ctx.ledger.launch_records(app, environment.name)
    if not records or not begun(records, ctx.ledger.destroyed(app, environment.name)):
        return None
    current = ctx.ledger.current(app, environment.name)
    if current is None:
        return HOLDING
    owner = names.route_owner(app, environment.name)
    hosts = hosts_of(ctx, environment, ctx.ledger.release(app, current.release))
    return HOLDING if any(ctx.on(host.name).edge.maintained(owner) for host in hosts) else None
