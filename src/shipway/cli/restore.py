"""`shipway restore`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.argument("snapshot", type=int)
@click.option("--yes", is_flag=True, help="Restore it, and lose the data written since the snapshot")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def restore(
    options: Globals, environment: str, snapshot: int, yes: bool, reason: str, wait: float, app: str | None
) -> None:
    """Restore the database and the uploads of ENVIRONMENT from SNAPSHOT (a number). Without --yes, only show what would be lost.

    A snapshot of the current database is taken first. Data written while this runs is lost as well: `shipway maintenance
    on` blocks the traffic. The code is not changed; if it was built for another schema, run `shipway rollback` next.
    """
    from shipway.actions.snapshots.restore import outlook, restore_snapshot
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        found = outlook(ctx, plan.app, where.name, snapshot)
        chosen = found.snapshot
        say(
            f"snapshot {chosen.number} of {timestamp(chosen.at)}: {chosen.cause}; release {chosen.release}, schema {chosen.schema or 'unknown'}"
        )
        say("data written or changed since then is lost; row counts:")
        for line in found.lost or ("no table has another row count",):
            say(f"  {line}")
        for line in found.volumes:
            say(f"  {line}")
        if not yes:
            raise UsageError("nothing was changed", hint="pass --yes to proceed")
        present = restore_snapshot(ctx, plan.app, where.name, snapshot, reason, wait=wait)
        say(
            style(
                f"{environment} was restored from snapshot {snapshot}; snapshot {present.number} has the previous data",
                "green",
            )
        )
