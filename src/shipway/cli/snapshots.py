"""`shipway snapshots`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, table


@click.command()
@click.argument("environment")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def snapshots(options: Globals, environment: str, as_json: bool, app: str | None) -> None:
    """List the snapshots of ENVIRONMENT that can be restored, newest first."""
    from shipway.actions.snapshots.snapshot import snapshots as read
    from shipway.app import open_context
    from shipway.domain.record import to_data
    from shipway.domain.size import readable
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(), actor="reader") as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        found = read(ctx, plan.app, where.name)
        if as_json:
            say(json.dumps([to_data(item) for item in found], indent=2))
            return
        rows = [
            [str(item.number), timestamp(item.at), str(item.release), item.schema or "", readable(item.size + sum(each.size for each in item.volumes.values())),
             str(sum(item.rows.values())), item.actor, item.cause]
            for item in found
        ]  # fmt: skip
        table(rows, ["snapshot", "when", "release", "schema", "size", "rows", "by", "why"], narrow=("schema",))
        if not rows:
            say(f"{environment} has no snapshot; `shipway snapshot {environment}` takes one")
