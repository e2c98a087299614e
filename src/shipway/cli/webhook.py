"""`shipway webhook`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, secret_line, table
from shipway.domain.webhook import FORGES


@click.group()
def webhook() -> None:
    """Webhooks, by which a forge tells `shipway serve` of pushes and tags, and is told what became of them."""


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
    """List the webhooks, and whether their forges could be told."""
    from shipway.actions.runs.webhooks import webhook_states
    from shipway.app import open_context
    from shipway.cli.notify import told
    from shipway.domain.record import to_data
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found = webhook_states(ctx)
        if as_json:
            flat = [
                {**to_data(item.webhook), "token": to_data(item.token), "deliveries": to_data(item.deliveries)}
                for item in found
            ]
            say(json.dumps(flat, indent=2))
            return
        rows = [
            [
                item.webhook.name, item.webhook.forge, item.webhook.address, timestamp(item.webhook.created), item.webhook.actor,
                told(item.deliveries) if item.token else "no token: not told",
            ]
            for item in found
        ]  # fmt: skip
        table(rows, ["name", "forge", "repository", "since", "by", "statuses and comments"])
        for item in found:
            if item.deliveries.problem:
                say(f"{item.webhook.name}: {item.deliveries.problem}")


@webhook.command()
@click.argument("name")
@click.option("--api", default="", metavar="URL", help="The address of the forge's API, if it is at an unusual place")
@click.option("--user", default="", help="Bitbucket: the address of the account, if it is an API token")
@click.option("--remove", is_flag=True, help="Remove the token: the forge is told nothing any more")
@click.pass_obj
def token(options: Globals, name: str, api: str, user: str, remove: bool) -> None:
    """Set the token with which the forge of the webhook NAME is told of runs and deployments.

    It is read from stdin, or prompted for. docs/forges.md lists the permissions that it needs.
    """
    import sys

    from shipway.actions.messages.receivers import remove_token, set_token
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        if remove:
            remove_token(ctx, name)
            say(f"the token of {name} was removed; revoke it at the forge too")
            return
        given = click.prompt("Token", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
        made = set_token(ctx, name, given, api, user)
        say(f"the forge is told of runs and deployments at {made.endpoint or 'its public address'}")


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
