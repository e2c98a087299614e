"""`shipway waive`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("release")
@click.option("--env", "environment", metavar="ENVIRONMENT", required=True, help="The environment of the proof")
@click.option("--reason", required=True, help="Why; shown with the release")
@click.option("--expires", default="30d", metavar="DURATION", help="How long the waiver is valid [30d]")
@app_option
@click.pass_obj
def waive(options: Globals, release: str, environment: str, reason: str, expires: str, app: str | None) -> None:
    """Waive the result of the newest proof of RELEASE (a number or version), with a reason.

    The release can then be deployed although its proof found no rollback path. The waiver is valid for this result on these
    images only: a later proof with another result needs another waiver.
    """
    from shipway.actions.projects.approve import find_release
    from shipway.actions.proofs.rollback_plan import proofs
    from shipway.actions.proofs.waive import waive as waive_proof
    from shipway.app import open_context
    from shipway.cli.approve import rulebook, seconds_of
    from shipway.domain.errors import UsageError
    from shipway.system.durations import timestamp

    with open_context(options.home, TerminalReporter(), actor=options.actor) as opened:
        known = options.known_app(opened, app)
        ctx, (plan, where) = known.ctx, known.with_plan(environment)
        chosen = find_release(ctx, plan.app, where, release)
        found = proofs(ctx, plan.app, where.name, chosen.number)
        if not found:
            raise UsageError(
                f"release {chosen.number} has no proof for {environment}",
                hint=f"run one: shipway prove r{chosen.number} --env {environment}",
            )
        book = rulebook(ctx, plan)
        rules = [item.approvals for _, item in book.of(ctx, where.name).environments] if book else []
        made = waive_proof(ctx, chosen, where, found[0], reason, seconds_of(expires, "--expires"), rules)
        say(
            f"{made.actor} waived the proof of release {made.release} in {environment} until {timestamp(made.expires)}: {made.finding}"
        )
