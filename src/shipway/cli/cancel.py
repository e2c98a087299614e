"""`shipway cancel`."""

from __future__ import annotations

import json

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, table


@click.command()
@click.argument("target", metavar="[RUN|ENVIRONMENT]", required=False)
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--timeout", default="5m", metavar="DURATION", help="How long to wait for its end [5m]")
@click.option("--waiting", is_flag=True, help="Only the deployment that waits on ENVIRONMENT")
@click.option("--json", "as_json", is_flag=True, help="Without an argument, print JSON")
@app_option
@click.pass_obj
def cancel(
    options: Globals, target: str | None, reason: str, timeout: str, waiting: bool, as_json: bool, app: str | None
) -> None:  # fmt: skip
    """Cancel a run (its number), or the deployment or other work in progress on ENVIRONMENT, in whatever process and on
    whatever machine; or, if nothing is in progress, the deployment that waits there. Without an argument, list what is in
    progress.

    The process stops and cleans up as after Ctrl-C: a deployment is rolled back. If the process died, its leftovers are
    removed, and its deployment is completed or rolled back.
    """
    from shipway.actions.upkeep.cancel import cancel_environment, cancel_run, cancel_waiting_there, refuse_too_late
    from shipway.actions.upkeep.progress import describe, in_progress
    from shipway.app import open_context
    from shipway.cli.approve import seconds_of
    from shipway.domain.errors import UsageError
    from shipway.domain.record import to_data
    from shipway.domain.release import CANCELLED
    from shipway.system.durations import ago

    if as_json and target is not None:
        raise UsageError("--json has no meaning with an argument")
    seconds = seconds_of(timeout, "--timeout")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        known = options.known_app(ctx, app)
        if target is None:
            found = in_progress(ctx, known.name)
            if as_json:
                say(json.dumps(to_data(found), indent=2))
                return
            rows = [
                [item.what, item.reason, item.who, ago(ctx.ledger.now() - item.since), "" if item.alive else "died"]
                for item in found
            ]
            table(rows, ["what", "work", "by", "since", "process"])
            if not rows:
                say("nothing is in progress")
            return
        if target.isdecimal():
            outcome = cancel_run(ctx, known.name, int(target), reason, timeout=seconds)
            if outcome != CANCELLED:
                raise UsageError(f"run {target} ended before it could be cancelled: {outcome}")
            say(f"run {target} was cancelled")
            return
        known.environment(target)
        dropped = cancel_waiting_there(ctx, known.name, known.kept(target), reason)
        if dropped is not None:
            say(f"the deployment of release {dropped.release} to {target}, which waited, was cancelled")
            if not dropped.begun or waiting:
                return
        elif waiting:
            raise UsageError(f"no deployment waits on {target}", hint="`shipway status` shows what does")
        deployment = cancel_environment(ctx, known.name, known.kept(target), reason, timeout=seconds)
        if deployment is None:
            say(f"the work on {target} was cancelled")
            return
        refuse_too_late(deployment)
        say(f"the {describe(deployment)} to {target} is over: {deployment.outcome}, {deployment.detail}")
