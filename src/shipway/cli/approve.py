"""`shipway approve`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.argument("release", required=False)
@click.option("--reason", default="", help="Why, for the history")
@click.pass_obj
def approve(options: Globals, environment: str, release: str | None, reason: str) -> None:
    """Approve RELEASE (a number or version) for ENVIRONMENT, on its very digests.

    Without RELEASE: the one that was validated last in the environment before.
    """
    from shipway.actions.approve import approve as approve_action
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        approval = approve_action(ctx, plan.app, environment_of(plan, environment), release, reason)
        say(f"{approval.actor} approved release {approval.release} of {plan.app} for {environment} (claimed by {approval.login})")
        chosen = ctx.ledger.release(plan.app, approval.release)
        for service, image in (chosen.images if chosen else {}).items():
            say(f"  {service:<16} {image.partition('@')[2]}")
