"""`shipway resume`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.option("--reason", default="", help="Why; recorded")
@app_option
@click.pass_obj
def resume(options: Globals, environment: str, reason: str, app: str | None) -> None:
    """End the hold of automatic deployment to ENVIRONMENT that a rollback began.

    A deployment that waited for this goes out, if nothing else is against it: `shipway cancel ENVIRONMENT` before drops it.
    """
    from shipway.actions.deployments.waits import end_hold, hold_of, hold_text
    from shipway.app import open_context
    from shipway.cli.approve import go_on
    from shipway.domain.errors import UsageError

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        known = options.known_app(opened, app)
        where = known.environment(environment)
        name = where.name
        found = hold_of(known.ctx, known.name, name)
        if found is None or not end_hold(known.ctx, known.name, name, reason):
            raise UsageError(
                f"automatic deployment to {environment} is not on hold",
                hint="only a rollback starts a hold; `shipway status` shows it",
            )
        say(f"automatic deployment to {environment} goes on; before, {hold_text(found, environment)}")
        go_on(known, name)
