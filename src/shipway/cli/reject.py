"""`shipway reject`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.argument("release", required=False)
@click.option("--reason", default="", help="Why; required, and recorded in the history")
@app_option
@click.pass_obj
def reject(options: Globals, environment: str, release: str | None, reason: str, app: str | None) -> None:
    """Reject the deployment that waits on ENVIRONMENT, of RELEASE (a number such as 12 or r12, or a version) if that is given.

    It is dropped, and the history says who rejected it and why. Approvals stay recorded. Whoever approves the release later, and
    deploys it with `shipway deploy`, overrules this.
    """
    from shipway.actions.environment.find_release import which_release
    from shipway.actions.runs.waiting import reject as reject_action
    from shipway.app import open_context
    from shipway.domain.errors import UsageError

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        known = options.known_app(opened, app)
        where = known.environment(environment)
        chosen = which_release(known.ctx, known.name, release, revisions=False) if release else None
        if release and chosen is None:
            raise UsageError(f"{known.shown_app} has no release {release}", hint="`shipway history` lists them")
        found = reject_action(known.ctx, known.name, where.name, chosen.number if chosen else None, reason)
        say(f"{known.ctx.actor} rejected the deployment of release {found.release} to {environment}")
