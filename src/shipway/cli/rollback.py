"""`shipway rollback`."""

from __future__ import annotations

import time

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say, style


@click.command()
@click.argument("environment")
@click.option("--to", metavar="VERSION", help="A version tag, or a release such as r12 [the last good one before this]")
@click.option("--dry-run", is_flag=True, help="Print the way back and what would change, and change nothing")
@click.option("--code-only", is_flag=True, help="Leave the schema as it is, whatever the proofs say; needs --reason")
@click.option("--force-down", is_flag=True, help="Run the down scripts, whatever the proofs say; needs --reason")
@click.option("--reason", default="", help="Why, for the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@app_option
@click.pass_obj
def rollback(
    options: Globals,
    environment: str,
    to: str | None,
    dry_run: bool,
    code_only: bool,
    force_down: bool,
    reason: str,
    wait: float,
    app: str | None,
) -> None:
    """Take ENVIRONMENT back to the last good release: its images, its secrets, and its schema the way that the proofs of
    the releases between them show.

    By the code alone where it was seen to work on the schema as it is; else by the down scripts where they were seen to
    restore it; else not at all (exit code 18).
    """
    started = time.monotonic()
    from shipway.actions.deployments.plan import decide
    from shipway.actions.rollbacks.rollback import RollbackRequest, rollback_order
    from shipway.actions.rollbacks.rollback import rollback as roll_back
    from shipway.app import open_context
    from shipway.domain.errors import UsageError
    from shipway.domain.rollback_plan import DOWN_THEN_CODE
    from shipway.domain.schema_history import CODE_ONLY
    from shipway.system.durations import human

    if code_only and force_down:
        raise UsageError("--code-only and --force-down exclude each other")
    if (code_only or force_down) and not reason.strip():
        raise UsageError("to go another way than the proofs show needs a reason", hint="--reason TEXT, for the history")
    wish = RollbackRequest(to, reason, CODE_ONLY if code_only else DOWN_THEN_CODE if force_down else None)
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, _ = options.known_app(ctx, app).with_plan(environment)
        if dry_run:
            order = rollback_order(ctx, plan.app, environment, wish)
            say(decide(ctx, order, create=False).changeset.render())
            return
        release = roll_back(ctx, plan.app, environment, wish, wait=wait)
        took = human(time.monotonic() - started)
        say(style(f"{environment} is back on release {release.number} after {took}", "green"))
