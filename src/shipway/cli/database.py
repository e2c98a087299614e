"""`shipway database`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style


@click.group()
def database() -> None:
    """What is done to the database of an environment as a whole."""


@database.command()
@click.argument("environment")
@click.option("--accessory", metavar="NAME", help="Which one, where the plan has several [the one under migrations]")
@click.option("--to", "image", metavar="IMAGE", help="The image of the new version [as in the plan]")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for a deployment to end [0]")
@click.pass_obj
def upgrade(options: Globals, environment: str, accessory: str | None, image: str | None, wait: float) -> None:
    """Move PostgreSQL of ENVIRONMENT to the major version that the plan names, by dump and restore.

    All services stop while the data is copied: `shipway maintenance on ENVIRONMENT` shows a page meanwhile. The rows of all
    tables are compared before the new version serves. Where anything fails, the services go on with the old version. The
    volume with the old version's files stays.
    """
    import dataclasses

    from shipway.actions.snapshots.upgrade import upgrade as upgrade_database
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of
    from shipway.domain.errors import UsageError

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        environment_of(plan, environment)
        databases = [item.name for item in plan.accessories.values() if item.kind == "postgres"]
        name = accessory or (plan.database.accessory if plan.database else databases[0] if len(databases) == 1 else "")
        if name not in plan.accessories:
            raise UsageError(
                "which accessory?",
                hint=f"pass --accessory NAME: {', '.join(databases) or 'the plan has no PostgreSQL'}",
            )
        chosen = plan.accessories[name]
        chosen = dataclasses.replace(chosen, image=image) if image else chosen
        done = upgrade_database(ctx, plan.app, environment, chosen, wait=wait)
        say(
            style(
                f"{environment} runs on {done.new} now, as release {done.release.number}; the rows of {done.tables} tables are the same",
                "green",
            )
        )
        say(
            f"the files of {done.old} stay in the volume {done.volume}: `docker volume rm {done.volume}` when they are no longer needed"
        )
        say(f"write `image: {chosen.image}` into the plan before the next deployment")
