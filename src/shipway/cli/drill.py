"""`shipway drill`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter, say, style

DAY = 86400.0  # seconds


@click.command()
@click.argument("environment")
@click.option("--to", metavar="VERSION", help="A version tag or release number [the last good one before this]")
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DAYS",
    help="Not where what runs passed one in the last so many days",
)
@click.pass_obj
def drill(options: Globals, environment: str, to: str | None, every: float | None) -> None:
    """Walk the whole way back from what ENVIRONMENT runs, on a copy of its data, without touching it.

    The schema goes down as a rollback would take it now, and the older release is started and used there. What came of
    it, and how long it took, is recorded and shown by `shipway status`. For a schedule: a line of cron each night that says
    `--every 7` drills once a week, and the night after each new release.
    """
    from shipway.actions.rollbacks.rehearse import last_passed
    from shipway.actions.rollbacks.rehearse import rehearse as walk
    from shipway.app import load_plan, open_context
    from shipway.context import environment_of
    from shipway.domain.errors import NotProven
    from shipway.system.durations import ago, human

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan = load_plan(options.home)
        environment_of(plan, environment)
        passed = last_passed(ctx, plan.app, environment) if every else None
        if every and passed and ctx.clock() - passed < every * DAY:
            say(f"{environment} can go back: that was drilled {ago(ctx.clock() - passed)}, and is not due again")
            return
        found = walk(ctx, plan.app, environment, to=to)
        for stage in found.stages:
            say(f"  {stage.name:<28} {human(stage.seconds)}")
        if not found.passed:
            listed = "\n".join(f"  - {reason}" for reason in found.trial.reasons)
            raise NotProven(f"release {found.target} does not work where the way back ends:\n{listed}")
        say(
            style(
                f"{environment} can go back to release {found.target}, {found.way}: walked in {human(found.seconds)}",
                "green",
            )
        )
        for reason in found.trial.reasons:
            say(f"  {reason}")
