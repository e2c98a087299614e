"""`shipway rollback`."""

from __future__ import annotations

import json
import time

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, note_renamed, say, style

FORMER = {"--code-only": "--keep-schema", "--force-down": "--revert-schema"}  # removed after one release


def _note_former(ctx: click.Context, option: click.Parameter, given: bool) -> bool:
    if given and not ctx.resilient_parsing:
        note_renamed(option.opts[0], FORMER[option.opts[0]])
    return given


@click.command()
@click.argument("environment")
@click.option("--to", metavar="VERSION", help="A version tag, or a release such as r12 [the last good release]")
@click.option("--dry-run", is_flag=True, help="Print the rollback plan and what would change, and change nothing")
@click.option("--keep-schema", is_flag=True, help="Keep the schema, whatever the proofs show; needs --reason")
@click.option("--revert-schema", is_flag=True, help="Run the down migrations, whatever the proofs show; needs --reason")
@click.option("--code-only", is_flag=True, hidden=True, callback=_note_former)
@click.option("--force-down", is_flag=True, hidden=True, callback=_note_former)
@click.option(
    "--force", is_flag=True, help="Also replace accessories, and open what is private, as that release has them"
)
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run, print JSON")
@app_option
@click.pass_obj
def rollback(
    options: Globals,
    environment: str,
    to: str | None,
    dry_run: bool,
    keep_schema: bool,
    revert_schema: bool,
    code_only: bool,
    force_down: bool,
    force: bool,
    reason: str,
    wait: float,
    as_json: bool,
    app: str | None,
) -> None:
    """Roll ENVIRONMENT back to the last good release: its images, its secrets and, if needed, its schema.

    The proofs of the releases in between decide what happens to the schema. It is kept if the older images were tested on
    it, and reverted if the down migrations were tested to restore it. If neither is proven, the rollback is rejected (exit
    code 18).
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

    keep_schema, revert_schema = keep_schema or code_only, revert_schema or force_down
    if keep_schema and revert_schema:
        raise UsageError("--keep-schema and --revert-schema can't be combined")
    if as_json and not dry_run:
        raise UsageError("--json has no meaning without --dry-run")
    if (keep_schema or revert_schema) and not reason.strip():
        raise UsageError("overriding the rollback plan needs a reason", hint="pass --reason TEXT, for the history")
    request = RollbackRequest(
        to, reason, CODE_ONLY if keep_schema else DOWN_THEN_CODE if revert_schema else None, force
    )
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as ctx:
        plan, where = options.known_app(ctx, app).with_plan(environment)
        if dry_run:
            order = rollback_order(ctx, plan.app, where.name, request)
            changeset = decide(ctx, order, create=False).changeset
            say(json.dumps(changeset.data(), indent=2) if as_json else changeset.render())
            return
        release = roll_back(ctx, plan.app, where.name, request, wait=wait)
        took = human(time.monotonic() - started)
        say(style(f"{environment} was rolled back to release {release.number} in {took}", "green"))
