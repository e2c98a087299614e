"""`shipway database`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.group()
def database() -> None:
    """Upgrade an environment's database."""


@database.command()
@click.argument("environment")
@click.option(
    "--accessory", metavar="NAME", help="The accessory, if the plan has several databases [the one with migrations]"
)
@click.option("--to", "image", metavar="IMAGE", help="The image of the new version [as in the plan]")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def upgrade(
    options: Globals, environment: str, accessory: str | None, image: str | None, wait: float, app: str | None
) -> None:
    """Upgrade the database of ENVIRONMENT to the major version in the plan, by dump and restore.

    All services stop while the data is copied: `shipway maintenance on ENVIRONMENT` shows a page meanwhile. The row counts
    of all tables are compared before the new version serves. If anything fails, the services continue with the old
    version. The volume with the old version's files is kept.
    """
    import dataclasses

    from shipway.actions.snapshots.upgrade import upgrade as upgrade_database
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        if plan.database and plan.database.file and not accessory:
            raise UsageError(
                f"the database is the file {plan.database.file}: SQLite reads the files of all versions",
                hint="`--accessory NAME` upgrades another database",
            )
        databases = [item.name for item in plan.accessories.values() if item.kind in ctx.servers]
        name = accessory or (plan.database.accessory if plan.database else databases[0] if len(databases) == 1 else "")
        if name not in plan.accessories:
            raise UsageError(
                f"the plan has no accessory {name}" if name else "there is no single database to upgrade in the plan",
                hint=f"pass --accessory NAME; databases of the plan: {', '.join(databases) or 'none'}",
            )
        chosen = plan.accessories[name]
        chosen = dataclasses.replace(chosen, image=image) if image else chosen
        done = upgrade_database(ctx, plan.app, where.name, chosen, wait=wait)
        say(
            style(
                f"{environment} now runs {done.new}, as release {done.release.number}; the row counts of {done.tables} tables match",
                "green",
            )
        )
        say(
            f"the volume {done.volume} keeps the files of {done.old}; when they are no longer needed: `docker volume rm {done.volume}`"
        )
        say(f"set `image: {chosen.image}` in the plan before the next deployment")
