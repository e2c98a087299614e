"""`shipway open`."""

from __future__ import annotations

import sys

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@app_option
@click.pass_obj
def open(options: Globals, environment: str, app: str | None) -> None:
    """Print the address of ENVIRONMENT, and open it in the browser if the output is a terminal."""
    from shipway.actions.operations.sources import as_deployed
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(silent=True), actor="reader") as ctx:
        _, where = as_deployed(ctx, *options.known_app(ctx, app).with_plan(environment))
    say(where.url)
    if sys.stdout.isatty():
        click.launch(where.url)
