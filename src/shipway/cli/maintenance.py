"""`shipway maintenance`."""

from __future__ import annotations

from pathlib import Path

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.argument("environment")
@click.option("--page", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An HTML file [a plain page]")
@click.pass_obj
def maintenance(options: Globals, state: str, environment: str, page: Path | None) -> None:
    """Answer everybody at ENVIRONMENT with a page and status 503, or end that. Deployments and checks work behind it."""
    from shipway.actions.maintenance import PAGE, maintain
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        where = environment_of(plan, environment)
        text = (page.read_text(encoding="utf-8") if page else PAGE) if state == "on" else None
        maintain(ctx, plan.app, where, text)
        say(f"{where.url} shows the maintenance page" if text else f"{where.url} is open again")
