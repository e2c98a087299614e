"""`shipway wait`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("target", metavar="ENVIRONMENT|RUN")
@click.option("--release", metavar="RELEASE", help="Wait until this release (a number or version) was deployed there")
@click.option("--timeout", default="10m", metavar="DURATION", help="How long to wait [10m]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
@app_option
@click.pass_obj
def wait(options: Globals, target: str, release: str | None, timeout: str, as_json: bool, app: str | None) -> None:
    """Wait until nothing is in progress on ENVIRONMENT, or until a run (its number) has ended.

    The exit code is 0 if the newest deployment there, or the run, succeeded; 13 (10 for a run) if it failed, 130 if it was
    cancelled or superseded, and 28 after the time-out.
    """
    import json

    from shipway.actions.environment.find_release import which_release
    from shipway.actions.upkeep.progress import describe, wait_environment, wait_run
    from shipway.app import open_context
    from shipway.cli.approve import seconds_of
    from shipway.domain.errors import UsageError
    from shipway.domain.record import to_data

    seconds = seconds_of(timeout, "--timeout")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor="reader") as ctx:
        known = options.known_app(ctx, app)
        if target.isdecimal():
            if release:
                raise UsageError("--release has no meaning for a run")
            run = wait_run(ctx, known.name, int(target), seconds)
            say(json.dumps(to_data(run), indent=2) if as_json else f"run {run.number} {run.outcome}")
            return
        known.environment(target)
        chosen = which_release(ctx, known.name, release, revisions=False) if release else None
        if release and chosen is None:
            raise UsageError(f"{known.name} has no release {release}", hint="`shipway history` lists them")
        found = wait_environment(ctx, known.name, known.kept(target), seconds, chosen.number if chosen else None)
        say(json.dumps(to_data(found), indent=2) if as_json else f"{target}: the {describe(found)} {found.outcome}")
