"""`shipway snapshot`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.option("--reason", default="", help="Why; shown in the list of snapshots")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@click.pass_obj
def snapshot(options: Globals, environment: str, reason: str, wait: float) -> None:
    """Take a snapshot of the database and the uploads of ENVIRONMENT, in a volume on its host, and verify it by restoring a copy
    of the database.

    The services continue meanwhile. `shipway restore` restores the snapshot.
    """
    from shipway.actions.snapshots.snapshot import snapshot as take
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of
    from shipway.domain.size import readable

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        environment_of(plan, environment)
        made = take(ctx, plan.app, environment, reason, wait=wait)
        say(
            f"snapshot {made.number} of {environment}: {readable(made.size)}, {sum(made.rows.values())} rows in {len(made.rows)} tables, schema {made.schema or 'unknown'}"
        )
        for name, archive in made.volumes.items():
            say(f"  volume {name}: {archive.files} files, {readable(archive.size)}")
