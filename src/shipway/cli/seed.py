"""`shipway seed`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@app_option
@click.pass_obj
def seed(options: Globals, environment: str, app: str | None) -> None:
    """Run the seed of ENVIRONMENT again, in the release that runs there. The run is recorded."""
    from shipway.actions.launches.seed import seed_again
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        seed_again(ctx, plan.app, where.name)
        say(f"the seed of {environment} has run")
