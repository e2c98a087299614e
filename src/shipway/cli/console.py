"""`shipway console`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter


@click.command()
@click.argument("environment")
@click.argument("service", required=False)
@app_option
@click.pass_obj
def console(options: Globals, environment: str, service: str | None, app: str | None) -> None:
    """Open the console of the framework (Rails, Django, Laravel, Flask, Node.js) in a new container of ENVIRONMENT, as `shipway exec` does. It is found in the image of SERVICE, or of the first service that has one."""
    from shipway.actions.operations.command import Person
    from shipway.actions.operations.console import console as open_console
    from shipway.app import open_context
    from shipway.domain.operation import CONSOLE
    from shipway.system.terminal import OwnTerminal

    with open_context(options.home, TerminalReporter(quiet=options.quiet, silent=True), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        code = open_console(ctx, plan.app, where.name, service, Person(OwnTerminal(), CONSOLE))
    raise SystemExit(code)
