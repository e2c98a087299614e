"""`shipway snapshot`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.option("--reason", default="", help="Why; shown in the list of snapshots")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def snapshot(options: Globals, environment: str, reason: str, wait: float, as_json: bool, app: str | None) -> None:
    """Take a snapshot of the database and the uploads of ENVIRONMENT, in a volume on its host, and verify it by restoring a copy
    of the database.

    The services continue meanwhile. `shipway restore` restores the snapshot.
    """
    from shipway.actions.snapshots.snapshot import snapshot as take
    from shipway.app import open_context
    from shipway.domain.size import readable

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        made = take(ctx, plan.app, where.name, reason, wait=wait)
        if as_json:
            import json

            from shipway.domain.record import to_data

            say(json.dumps(to_data(made), indent=2))
            return
        say(
            f"snapshot {made.number} of {environment}: {readable(made.size)}, {sum(made.rows.values())} rows in {len(made.rows)} tables, schema {made.schema or 'unknown'}"
        )
        for name, archive in made.volumes.items():
            say(f"  volume {name}: {archive.files} files, {readable(archive.size)}")
