"""`shipway webhook`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, secret_line, table
from shipway.domain.webhook import FORGES


@click.group()
def webhook() -> None:
    """Webhooks, by which a forge tells `shipway serve` of pushes and tags."""


@webhook.command()
@click.argument("name")
@click.option("--forge", type=click.Choice(FORGES), required=True, help="Who sends it; gitea: also Forgejo")
@click.option("--address", metavar="URL", required=True, help="The address to clone the repository")
@click.option("--secret-from-stdin", is_flag=True, help="Use this secret [a new one]")
@click.pass_obj
def add(options: Globals, name: str, forge: str, address: str, secret_from_stdin: bool) -> None:
    """Add the webhook NAME, and print its path and its secret once: enter both at the forge."""
    import sys

    from shipway.actions.runs.webhooks import add_webhook
    from shipway.app import open_context

    given = sys.stdin.readline().strip() if secret_from_stdin else ""
    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        made = add_webhook(ctx, name, forge, address, given)
        say(f"address: the server's, and then /hooks/{made.webhook.name}")
        say("content type: application/json; events: pushes and tags")
        if not given:
            secret_line(f"secret: {made.secret}")


@webhook.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def list_(options: Globals, as_json: bool) -> None:
    """List the webhooks."""
    from shipway.app import open_context
    from shipway.domain.record import to_data
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found = ctx.ledger.webhooks()
        if as_json:
            say(json.dumps(to_data(found), indent=2))
            return
        rows = [[item.name, item.forge, item.address, timestamp(item.created), item.actor] for item in found]
        table(rows, ["name", "forge", "repository", "since", "by"])


@webhook.command()
@click.argument("name")
@click.pass_obj
def remove(options: Globals, name: str) -> None:
    """Remove the webhook NAME: its requests are refused from now on."""
    from shipway.actions.runs.webhooks import remove_webhook
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        remove_webhook(ctx, name)
        say(f"{name} was removed; remove it at the forge too")
