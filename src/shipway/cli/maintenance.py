"""`shipway maintenance`."""

from __future__ import annotations

from pathlib import Path

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@click.argument("environment")
@click.option(
    "--page", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Show this HTML file [a plain page]"
)
@app_option
@click.pass_obj
def maintenance(options: Globals, state: str, environment: str, page: Path | None, app: str | None) -> None:
    """Show a maintenance page with status 503 to all visitors of ENVIRONMENT, or remove it. Deployments and checks continue behind it.

    If a host can't be reached, the others are switched, and the exit code is 20."""
    from shipway.actions.upkeep.maintenance import PAGE, maintain
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).deployed(environment)
        text = (page.read_text(encoding="utf-8") if page else PAGE) if state == "on" else None
        maintain(ctx, plan.app, where, text)
        say(f"{where.url} shows the maintenance page" if text else f"{where.url} serves requests again")
