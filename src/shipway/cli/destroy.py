"""`shipway destroy`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter


@click.command()
@click.argument("environment")
@click.option("--force", is_flag=True, help="Required, since the environment's data is deleted")
@click.option("--volumes", is_flag=True, help="Delete the volumes of its services (uploads) too")
@app_option
@click.pass_obj
def destroy(options: Globals, environment: str, force: bool, volumes: bool, app: str | None) -> None:
    """Destroy ENVIRONMENT with its databases and its snapshots. Volumes of services are kept without --volumes. Its history
    stays in the ledger. DNS records, infrastructure and backups stay too: the output names the commands that remove them."""
    from shipway.actions.upkeep.destroy import destroy as destroy_action
    from shipway.actions.upkeep.left_outside import left_outside
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).deployed(environment)
        if not force:
            stays = left_outside(ctx, plan.app, where.name)
            raise UsageError(
                "\n  ".join([f"this deletes {environment} of {plan.app} with all its data and snapshots", *stays]),
                hint="pass --force to proceed",
            )
        destroy_action(ctx, plan, where, volumes=volumes)
