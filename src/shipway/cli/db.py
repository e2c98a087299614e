"""`shipway db`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.exec import PassesOn
from shipway.cli.output import TerminalReporter


@click.command(cls=PassesOn)
@click.argument("environment")
@click.argument("accessory", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[-- ARGUMENTS...]")
@click.option("--read-only", is_flag=True, help="Reject changes, unless a statement allows them explicitly")
@app_option
@click.pass_obj
def db(
    options: Globals,
    environment: str,
    accessory: str | None,
    arguments: tuple[str, ...],
    read_only: bool,
    app: str | None,
) -> None:
    """Open the database of ENVIRONMENT, or another ACCESSORY, with the client of its image: psql, mysql or redis-cli. ARGUMENTS go to the client, as in: shipway db production -- -c "SELECT 1". The exit code is the client's.

    Who opened it and when is recorded, with ARGUMENTS but not what is typed: `shipway history --commands`.
    """
    from shipway.actions.operations.command import Person
    from shipway.actions.operations.database import database
    from shipway.app import open_context
    from shipway.domain.operation import DATABASE
    from shipway.system.terminal import OwnTerminal

    if accessory and accessory.startswith("-"):  # what follows `--` where no accessory is named
        arguments, accessory = (accessory, *arguments), None
    with open_context(options.home, TerminalReporter(quiet=options.quiet, silent=True), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        person = Person(OwnTerminal(), DATABASE)
        code = database(ctx, plan.app, where.name, accessory, arguments, person, read_only=read_only)
    raise SystemExit(code)
