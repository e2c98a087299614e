"""`shipway restart`."""

from __future__ import annotations

import time

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def restart(
    options: Globals, environment: str, services: tuple[str, ...], reason: str, wait: float, app: str | None
) -> None:
    """Restart the services of ENVIRONMENT, all or those named, without losing a request: new containers start beside the old ones and take over once they are healthy."""
    from shipway.actions.operations.adjust import restart as restart_now
    from shipway.app import open_context
    from shipway.system.durations import human

    started = time.monotonic()
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        number = restart_now(ctx, plan.app, where.name, services, reason=reason, wait=wait)
        what = ", ".join(services) or f"all services of {environment}"
        say(style(f"restarted {what} in {human(time.monotonic() - started)}: release {number}", "green"))
