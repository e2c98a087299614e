"""`shipway notify`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, table
from shipway.domain.outbox import APPRISE, EVENTS

if TYPE_CHECKING:
    from shipway.actions.messages.receivers import Deliveries


@click.group()
def notify() -> None:
    """Notifications: tell people, by Slack, Teams, e-mail and others or by any command, what happens."""


@notify.command()
@click.argument("name")
@click.option("--url-from-stdin", is_flag=True, help="The URL of Apprise; it is a secret, and kept as one")
@click.option("--url", default="", help="The same, where others can't see the command")
@click.option("--command", metavar="PROGRAM", help="Run this instead, with ARGUMENTS after --; it gets JSON on stdin")
@click.option(
    "--on", "events", multiple=True, metavar="EVENT", help=f"Only this: {', '.join(EVENTS)}; repeatable [all]"
)
@click.option("--app", default="*", metavar="NAME", help="Only this app [all]")
@click.option("--environment", default="*", metavar="NAME", help="Only this environment [all]")
@click.argument("arguments", nargs=-1)
@click.pass_obj
def add(
    options: Globals, name: str, url_from_stdin: bool, url: str, command: str | None, events: tuple[str, ...], app: str,
    environment: str, arguments: tuple[str, ...],
) -> None:  # fmt: skip
    """Add the notification NAME.

    `shipway notify add team --url-from-stdin`, or `shipway notify add pager --command /usr/local/bin/page --on failed -- --loud`.
    """
    import sys

    from shipway.actions.messages.receivers import add_notification
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    if arguments and not command:
        raise UsageError("arguments belong to --command")
    if url_from_stdin:
        url = click.prompt("URL", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    words = (command, *arguments) if command else ()
    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        made = add_notification(
            ctx, name, url=url, command=words, events=events, app=app, environment=environment
        )  # fmt: skip
        say(f"{name} is told of: {', '.join(made.events)}; `shipway notify test {name}` tries it")


@notify.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def list_(options: Globals, as_json: bool) -> None:
    """List the notifications, and whether they could be delivered; never their URLs."""
    from shipway.actions.messages.receivers import notification_states
    from shipway.actions.people.manage import place
    from shipway.app import open_context
    from shipway.domain.record import to_data

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found = notification_states(ctx)
        if as_json:
            say(json.dumps(to_data(found), indent=2))
            return
        rows = [
            [
                item.notification.name, "Apprise" if item.notification.kind == APPRISE else " ".join(item.notification.command),
                place(item.notification.app, item.notification.environment), ", ".join(item.notification.events),
                told(item.deliveries),
            ]
            for item in found
        ]  # fmt: skip
        table(rows, ["name", "by", "where", "on", "deliveries"])
        for item in found:
            if item.deliveries.problem:
                say(f"{item.notification.name}: {item.deliveries.problem}")
        if not found:
            say("there are no notifications; `shipway notify add` adds one")


@notify.command()
@click.argument("name")
@click.pass_obj
def test(options: Globals, name: str) -> None:
    """Send a test by the notification NAME now, and say whether it worked."""
    from shipway.actions.messages.receivers import send_test
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        send_test(ctx, name)
        say(f"sent by {name}")


@notify.command()
@click.argument("name")
@click.pass_obj
def remove(options: Globals, name: str) -> None:
    """Remove the notification NAME: it tells nothing from now on."""
    from shipway.actions.messages.receivers import remove_notification
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        remove_notification(ctx, name)
        say(f"{name} was removed")


def told(found: Deliveries) -> str:
    """How far a receiver was told, in a few words."""
    from shipway.system.durations import timestamp

    parts = [f"{found.waiting} waiting"] if found.waiting else []
    parts += [f"{found.given_up} given up"] if found.given_up else []
    parts += [f"last {timestamp(found.last)}"] if found.last is not None else []
    return ", ".join(parts) or "none yet"
