"""`shipway secret rotate`."""

from __future__ import annotations

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style
from shipway.domain.errors import UsageError


@click.command("rotate")
@click.argument("environment")
@click.option("--generate", multiple=True, metavar="NAME", help="First give NAME a new random value; repeatable")
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--force", is_flag=True, help="Permit changes that interrupt the environment")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def rotate(
    options: Globals, environment: str, generate: tuple[str, ...], dry_run: bool, reason: str, force: bool, wait: float,
    app: str | None,
) -> None:  # fmt: skip
    """Fetch the secrets of ENVIRONMENT from its providers again, and replace the containers of the services that use changed
    values, without losing a request. Values that were set with `shipway secret set` since the last deployment count too."""
    from shipway.actions.operations.rotate import preview
    from shipway.actions.operations.rotate import rotate as rotate_now
    from shipway.app import open_context

    if dry_run and generate:
        raise UsageError("--generate has no meaning with --dry-run")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        if dry_run:
            say(preview(ctx, plan.app, where.name))
            return
        done = rotate_now(ctx, plan.app, where.name, generate=generate, reason=reason, force=force, wait=wait)
        if not done.changed:
            say(f"no secret of {environment} has changed: nothing to do")
            return
        what = ", ".join(done.services) or "no service"
        say(
            style(
                f"rotated {', '.join(done.changed)} of {environment}: {what} replaced, release {done.release}", "green"
            )
        )
