"""`shipway apps`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@click.pass_obj
def apps(options: Globals, as_json: bool) -> None:
    """List the apps of the ledger, with their repository and what runs where. All commands accept them as --app NAME, from
    any folder."""
    from shipway.actions.projects.apps import apps as read
    from shipway.app import open_context

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        found = read(ctx)
        if as_json:
            from shipway.domain.record import to_data

            say(json.dumps(to_data(found), indent=2))
            return
        rows = [
            [item.name, ", ".join(f"{name}: r{number}" for name, number in item.running.items()), item.branch,
             item.repository]
            for item in found
        ]  # fmt: skip
        table(rows, ["app", "running", "protected branch", "repository"])
        if not rows:
            say("the ledger has no app yet; `shipway run` in a clone brings the first one")
