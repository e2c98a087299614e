"""`shipway scale`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.argument("numbers", nargs=-1, required=True, metavar="SERVICE=N...")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def scale(
    options: Globals, environment: str, numbers: tuple[str, ...], reason: str, wait: float, app: str | None
) -> None:
    """Run N replicas of a SERVICE of ENVIRONMENT on each host; SERVICE=plan returns to the plan's number.

    It holds for later releases too, until their plan has another number than before. `shipway status` shows it.
    """
    from shipway.actions.operations.adjust import scale as scale_now
    from shipway.app import open_context
    from shipway.domain.count import counted
    from shipway.domain.errors import UsageError

    desired = dict(map(_parsed, numbers))
    if len(desired) < len(numbers):
        raise UsageError("a service is named more than once", hint="pass one number for each: SERVICE=N")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        changed = scale_now(ctx, plan.app, where.name, desired, reason=reason, wait=wait)
        for name, number in changed.items():
            say(style(f"{name} of {environment} has {counted(number, 'replica')} on each host", "green"))
        if not changed:
            say(f"nothing to do: {environment} has these numbers of replicas")


def _parsed(text: str) -> tuple[str, int | None]:
    from shipway.domain.errors import UsageError

    name, _, number = text.partition("=")
    if not name or not (number == "plan" or (number.isascii() and number.isdecimal() and len(number) < 9)):
        raise UsageError(
            f"{text!r} is not a number of replicas", hint="write SERVICE=N, such as web=3, or SERVICE=plan"
        )
    return name, None if number == "plan" else int(number)
