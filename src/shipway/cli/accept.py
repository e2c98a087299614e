"""`shipway accept`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("release")
@click.option("--env", "environment", metavar="ENVIRONMENT", required=True, help="Where it was proven, and will run")
@click.option("--reason", required=True, help="Why: it is shown wherever the release is")
@click.option("--expires", default="30d", metavar="DURATION", help="When it no longer holds [30d]")
@click.pass_obj
def accept(options: Globals, release: str, environment: str, reason: str, expires: str) -> None:
    """Take what the proof of RELEASE (a number or version) found, and say why.

    The release may then go where its proof alone would keep it from. It holds for this very finding on these very images:
    another proof that finds something else needs another word.
    """
    from shipway.actions.projects.approve import find_release
    from shipway.actions.proofs.rollback_plan import proofs
    from shipway.actions.proofs.waive import waive as accept_action
    from shipway.app import load_plan, open_context
    from shipway.cli.approve import rulebook, seconds_of
    from shipway.context import environment_of
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        where = environment_of(plan, environment)
        chosen = find_release(ctx, plan.app, where, release)
        found = proofs(ctx, plan.app, environment, chosen.number)
        if not found:
            raise UsageError(
                f"release {chosen.number} was never proven for {environment}", hint=f"shipway prove --env {environment}"
            )
        book = rulebook(ctx, plan)
        rules = [item.approvals for _, item in book.of(ctx, environment).environments] if book else []
        made = accept_action(ctx, chosen, where, found[0], reason, seconds_of(expires, "--expires"), rules)
        say(
            f"{made.actor} accepted of release {made.release} in {environment}, until {timestamp(made.expires)}: {made.finding}"
        )
