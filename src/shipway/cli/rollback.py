"""`shipway rollback`."""

from __future__ import annotations

import time

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.option("--to", metavar="VERSION", help="A version tag or release number [the last good one before this]")
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing")
@click.option("--reason", default="", help="Why, for the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@click.pass_obj
def rollback(options: Globals, environment: str, to: str | None, dry_run: bool, reason: str, wait: float) -> None:
    """Take ENVIRONMENT back to the last good release: its images, its secrets, its schema."""
    started = time.monotonic()
    from shipway.actions.decide import decide
    from shipway.actions.rollback import rollback as roll_back
    from shipway.actions.rollback import rollback_order
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of
    from shipway.system.durations import human

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        environment_of(plan, environment)
        if dry_run:
            order = rollback_order(ctx, plan.app, environment, to=to, reason=reason)
            say(decide(ctx, order, create=False).changeset.render())
            return
        release = roll_back(ctx, plan.app, environment, to=to, reason=reason, wait=wait)
        took = human(time.monotonic() - started)
        say(style(f"{environment} is back on release {release.number} after {took}", "green"))
