"""`shipway poll`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, table


@click.group()
def poll() -> None:
    """Repositories that `shipway serve` and `shipway worker` ask for new commits, where no webhook and no hook reports a push."""


@poll.command()
@click.argument("name")
@click.option("--address", metavar="URL", required=True, help="The address to clone the repository")
@click.option("--every", default="1m", metavar="TIME", show_default=True, help="How often it is asked")
@click.pass_obj
def add(options: Globals, name: str, address: str, every: str) -> None:
    """Ask the repository as NAME from now on. What is there at the first look is not run."""
    from shipway.actions.runs.polling import add_poll
    from shipway.app import open_context
    from shipway.cli.approve import seconds_of

    seconds = seconds_of(every, "--every")
    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        made = add_poll(ctx, name, address, seconds)
        say(f"{made.name} is asked every {every}, as long as `shipway serve` or `shipway worker` runs")


@poll.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def list_(options: Globals, as_json: bool) -> None:
    """List the repositories that are asked, and what keeps them from answering."""
    from shipway.actions.runs.polling import poll_states
    from shipway.app import open_context
    from shipway.domain.record import to_data
    from shipway.system.durations import ago, human

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found = poll_states(ctx)
        if as_json:
            say(json.dumps(to_data(found), indent=2))
            return
        now = ctx.ledger.now()
        rows = [
            [item.name, item.address, human(item.every), ago(now - item.asked) if item.asked else "not yet", item.actor, item.problem]
            for item in found
        ]  # fmt: skip
        table(rows, ["name", "repository", "every", "asked", "by", "problem"])


@poll.command()
@click.argument("name")
@click.pass_obj
def remove(options: Globals, name: str) -> None:
    """Stop asking the repository NAME."""
    from shipway.actions.runs.polling import remove_poll
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        remove_poll(ctx, name)
        say(f"{name} is not asked any more")
