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
        text = (_read(page) if page else PAGE) if state == "on" else None
        maintain(ctx, plan.app, where, text)
        say(f"{where.url} serves requests again" if text is None else f"{where.url} shows the maintenance page")


def _read(page: Path) -> str:
    from shipway.domain.errors import UsageError

    try:
        text = page.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{page} is not in UTF-8", hint="save it as UTF-8") from None
    if not text.strip():
        raise UsageError(f"{page} is empty: visitors would see nothing", hint="write the page, or omit --page")
    return text
