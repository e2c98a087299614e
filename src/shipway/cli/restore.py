"""`shipway restore`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.argument("snapshot", type=int)
@click.option("--yes", is_flag=True, help="Do it: what was written since the snapshot is lost")
@click.option("--reason", default="", help="Why, for the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for a deployment to end [0]")
@app_option
@click.pass_obj
def restore(
    options: Globals, environment: str, snapshot: int, yes: bool, reason: str, wait: float, app: str | None
) -> None:
    """Put SNAPSHOT (a number) in the place of the database of ENVIRONMENT. Without --yes, say what would be lost.

    A snapshot of the present is taken first. What is written while this runs is lost as well: `shipway maintenance on`
    holds the traffic. The code stays; where it was made for another schema, `shipway rollback` follows.
    """
    from shipway.actions.snapshots.restore import outlook, restore_snapshot
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, _ = options.known_app(ctx, app).with_plan(environment)
        found = outlook(ctx, plan.app, environment, snapshot)
        chosen = found.snapshot
        say(
            f"snapshot {chosen.number} of {timestamp(chosen.at)}: {chosen.cause}; release {chosen.release}, schema {chosen.schema or 'unknown'}"
        )
        say("what was written or changed since then is lost; by the numbers of rows:")
        for line in found.lost or ("all tables have as many rows as then",):
            say(f"  {line}")
        if not yes:
            raise UsageError("nothing was changed", hint="say --yes where that is meant")
        present = restore_snapshot(ctx, plan.app, environment, snapshot, reason, wait=wait)
        say(
            style(
                f"{environment} has the data of snapshot {snapshot}; what was there before is snapshot {present.number}",
                "green",
            )
        )
