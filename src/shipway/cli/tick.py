"""`shipway tick`."""

from __future__ import annotations

import click

from shipway.cli import Globals
from shipway.cli.output import TerminalReporter


@click.command()
@click.option("--app", metavar="NAME", help="Only this app [all apps of the ledger]")
@click.pass_obj
def tick(options: Globals, app: str | None) -> None:
    """Start the jobs that are due on a schedule, and record those that have ended.

    Call it once a minute, by cron or a systemd timer, on one or several machines that share a ledger. It doesn't wait
    for the jobs, and prints nothing if there was nothing to do. The exit code is 10 if a job has failed in its last
    attempt.
    """
    from shipway.actions.schedules import tick as schedules
    from shipway.app import open_context
    from shipway.domain.count import counted
    from shipway.domain.errors import StepFailed

    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        failed = schedules.tick(ctx, ctx.names.app(app) if app else None)
    if failed:
        listed = ", ".join(dict.fromkeys(schedules.label(run) for run in failed))
        first = failed[0]
        raise StepFailed(
            f"{counted(len(failed), 'job')} failed: {listed}",
            hint=f"`shipway schedules {first.environment} {first.schedule} --app {first.app}` shows the last output",
        )
