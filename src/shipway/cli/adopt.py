"""`shipway adopt`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environments", nargs=-1)
@click.option("--force", is_flag=True, help="Adopt what is listed")
@app_option
@click.pass_obj
def adopt(options: Globals, environments: tuple[str, ...], force: bool, app: str | None) -> None:
    """Adopt the containers, networks and volumes that another ledger created for ENVIRONMENTS [all], if that ledger is
    lost, or if this ledger was copied from another machine. Without --force, only list them."""
    from shipway.actions.environment.locks import environment_lease
    from shipway.actions.environment.ownership import MACHINE
    from shipway.actions.upkeep.adopt import adopt as adopt_action
    from shipway.actions.upkeep.adopt import describe, survey, take_ledger
    from shipway.app import open_context, plan_parser
    from shipway.context import environment_of
    from shipway.domain.errors import UsageError
    from shipway.system.machine import machine_id

    with open_context(
        options.home, TerminalReporter(quiet=options.quiet), actor=options.actor, adopting=True
    ) as opened:
        known = options.known_app(opened, app)
        ctx, plan = known.ctx, known.any_plan()
        here = machine_id(options.home)
        moved = ctx.ledger.property(MACHINE) not in (None, here)
        found = [
            survey(ctx, plan, environment_of(plan, known.kept(name)), plan_parser(ctx), moved=moved)
            for name in environments or plan.environments
        ]
        lines = [line for item in found for line in describe(item)]
        if moved:
            lines.insert(
                0,
                "the ledger: was copied from another machine; it gets a new identity, and is bound to this machine",
            )
        for line in lines:
            say(line)
        if not lines:
            say("there is nothing to adopt")
        elif not force:
            raise UsageError("nothing was adopted yet", hint="pass --force to adopt what is listed")
        if moved:
            take_ledger(ctx, here)
        for item in found if lines else []:
            with environment_lease(ctx, plan.app, item.environment.name, "adopt") as own:
                adopt_action(own, plan, item, plan_parser(ctx))
