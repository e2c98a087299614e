"""`shipway rename`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say

REASON = click.option("--reason", default="", help="Why; recorded in the history")


@click.group()
def rename() -> None:
    """Rename an app or an environment. Nothing is moved or restarted: containers, volumes, databases, images and the
    variables SHIPWAY_APP and SHIPWAY_ENVIRONMENT keep the first name. Plans and commands may use every name that it has had."""


@rename.command("app")
@click.argument("old")
@click.argument("new")
@REASON
@click.pass_obj
def rename_app(options: Globals, old: str, new: str, reason: str) -> None:
    """Call the app OLD from now on NEW."""
    from shipway.actions.upkeep.rename import rename_app as rename_now
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        changed = rename_now(ctx, old, new, reason)
    say(f"the app {old} is called {new} now; change `app:` in its plan" if changed else f"it is called {new} already")


@rename.command("environment")
@click.argument("old")
@click.argument("new")
@REASON
@app_option
@click.pass_obj
def rename_environment(options: Globals, old: str, new: str, reason: str, app: str | None) -> None:
    """Call the environment OLD from now on NEW."""
    from shipway.actions.upkeep.rename import rename_environment as rename_now
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        changed = rename_now(options.known_app(ctx, app), old, new, reason)
    say(
        f"{old} is called {new} now; change its name in the plan, also in `after` and `prove`"
        if changed
        else f"it is called {new} already"
    )
