"""The page that visitors see from the first deployment of what is to be launched until its system test has passed."""

from __future__ import annotations

from shipway.actions.deployments.plan import hosts_of
from shipway.actions.environment.away import present
from shipway.actions.environment.ended import ended
from shipway.context import Context
from shipway.domain import names
from shipway.domain.launch import HELD, OPEN, PENDING, LaunchRecord, begun, succeeded
from shipway.domain.plan import Environment
from shipway.domain.release import Release
from shipway.domain.rules import InForce, asks_for_launch

HOLDING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Opening soon</title>
<style>body{font:18px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;color:#223}</style>
</head><body><h1>Opening soon</h1><p>This site is not open yet. Please come back later.</p></body></html>
"""


def holding_page(ctx: Context, app: str, environment: Environment, in_force: InForce | None = None) -> str | None:
    """The page that a deployment shows, by whatever command, until a launch opens the address: a first deployment, if a launch
    has begun or if there are settings for one, and each one behind a page, since its names or hosts may be others. None:
    visitors see the release, or what they saw."""
    records, since = ctx.ledger.launch_records(app, environment.name), ended(ctx, app, environment.name)
    if succeeded(records, OPEN, since):
        return None
    current = ctx.ledger.current(app, environment.name)
    if current is None or current.started <= since:
        return HOLDING if begun(records, since) or asks_for_launch(environment, in_force) else None
    if not begun(records, since):
        return None
    owner = names.route_owner(app, environment.name)
    hosts = present(ctx, environment, hosts_of(ctx, environment, ctx.ledger.release(app, current.release)))
    return HOLDING if any(ctx.on(host.name).edge.maintained(owner) for host in hosts) else None


def hold(ctx: Context, release: Release, environment: Environment) -> None:
    """Record the page of a deployment as the beginning of the launch, unless one has begun: from now on only a launch opens the
    address."""
    app, name = release.app, environment.name
    if not begun(ctx.ledger.launch_records(app, name), ended(ctx, app, name)):
        why = "deployed behind the page that visitors see"
        ctx.ledger.add_launch_record(
            LaunchRecord(app, name, HELD, PENDING, release.number, why, ctx.actor, ctx.clock())
        )
