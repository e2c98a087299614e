"""`shipway retire`."""

from __future__ import annotations

import time

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say

LOOK = 60.0  # seconds after which a waiting process checks whether the environment still exists
PATIENCE = 60  # consecutive failures, one per LOOK seconds, after which the next command has to do the work


@click.command()
@click.argument("environment")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.option("--when-due", is_flag=True, help="Wait until the plan's `standby` time is over")
@click.pass_obj
def retire(options: Globals, environment: str, wait: float, app: str | None, when_due: bool) -> None:
    """Stop the containers on standby in ENVIRONMENT. A rollback then has to start them again."""
    from shipway.actions.upkeep.retire import retire as retire_now
    from shipway.app import load_plan, open_context
    from shipway.domain.count import counted

    if when_due:
        _when_due(options, app or load_plan(options.home, options.plan).app, environment)
        return
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        count = retire_now(ctx, known.name, known.kept(environment), wait=wait)
        say(f"{counted(count, 'container')} stopped" if count else f"nothing is on standby in {environment}")


def _when_due(options: Globals, app: str, environment: str) -> None:
    from shipway.actions.cdn.purge import retry
    from shipway.actions.environment.locks import CARETAKER
    from shipway.actions.upkeep.retire import retire_due
    from shipway.app import open_context
    from shipway.domain.errors import ShipwayError
    from shipway.system.caretaker import caretaker

    failed = 0
    with caretaker(options.home, f"{app}_{environment}") as place:
        while place and options.home.exists():  # else the environment was removed meanwhile
            try:
                with open_context(options.home, TerminalReporter(quiet=True), actor=CARETAKER) as ctx:
                    found = (retire_due(ctx, app, environment), retry(ctx, app, environment))
                    due = min((at for at in found if at is not None), default=None)
                failed = 0
            except ShipwayError:  # a short outage of an engine or ledger must not leave a release running
                failed += 1
                if failed > PATIENCE:
                    raise
                due = time.time() + LOOK
            if due is None:
                if place.called():
                    continue
                return
            place.sleep(min(max(due - time.time(), 0.5), LOOK))
