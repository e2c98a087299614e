"""`shipway key`."""

from __future__ import annotations

import sys

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, secret_line


@click.group()
def key() -> None:
    """Export or import the key that encrypts the ledger's secrets. It is stored in the home folder, or set as SHIPWAY_KEY."""


@key.command("export")
@click.pass_obj
def export(options: Globals) -> None:
    """Print the key. Anyone who has the key and the ledger can read every secret."""
    from shipway.app import open_secrets

    with open_secrets(options.home, TerminalReporter(), options.actor) as secrets:
        secret_line(secrets.key().text)


@key.command("import")
@click.pass_obj
def import_(options: Globals) -> None:
    """Store a key on this machine. It is prompted for, or read from stdin."""
    from shipway.app import open_secrets
    from shipway.drivers.secrets.key import Key

    text = (
        click.prompt("key", hide_input=True, default="", show_default=False) if sys.stdin.isatty() else sys.stdin.read()
    )
    given = Key(text)
    with open_secrets(options.home, TerminalReporter(), options.actor) as secrets:
        secrets.take_key(given)
    say(f"the key of the ledger's secrets is stored in {options.home / 'key'}")
