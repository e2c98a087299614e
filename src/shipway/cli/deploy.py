"""`shipway deploy`."""

from __future__ import annotations

import dataclasses
import json

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say


@click.command()
@click.argument("environment")
@click.argument("revision", required=False)
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing")
@click.option("--force", is_flag=True, help="Permit changes that interrupt the environment")
@click.option("--wait", type=float, default=0.0, metavar="SECONDS", help="Wait for another deployment to end [0]")
@click.option(
    "--stored-secrets", is_flag=True, help="Use the last values that were fetched, while a provider of secrets is down"
)
@click.option("--resume", is_flag=True, help="Deploy despite the hold after a rollback, and end it")
@click.option("--override-freeze", is_flag=True, help="Deploy within a freeze; needs --reason")
@click.option("--hotfix", is_flag=True, help="Skip the environment before it, if the plan allows that; needs --reason")
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run, print JSON")
@app_option
@click.pass_obj
def deploy(
    options: Globals, environment: str, revision: str | None, dry_run: bool, force: bool, wait: float, stored_secrets: bool,
    resume: bool, override_freeze: bool, hotfix: bool, reason: str, as_json: bool, app: str | None,
) -> None:  # fmt: skip
    """Deploy the release that was built from REVISION [HEAD], or a release such as r12, to ENVIRONMENT, by the rules in force."""
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.deploy import deploy as deploy_action
    from shipway.actions.deployments.plan import decide
    from shipway.actions.deployments.waits import Asked
    from shipway.actions.projects.in_force import read_rules
    from shipway.actions.runs.run import build_hotfix
    from shipway.app import open_context, plan_parser
    from shipway.context import environment_of
    from shipway.domain.errors import UsageError
    from shipway.domain.secret_source import Provided

    if as_json and not dry_run:
        raise UsageError("--json has no meaning without --dry-run")
    reason = reason.strip()
    if (override_freeze or hotfix) != bool(reason):
        raise UsageError("--override-freeze and --hotfix need --reason TEXT, and nothing else does")
    with open_context(options.home, TerminalReporter(quiet=options.quiet), actor=options.actor) as opened:
        ctx, repository, revision, commit, plan = options.chosen(opened, app, revision)
        environment = environment_of(plan, ctx.names.environment(plan.app, environment)).name
        book = read_rules(ctx, repository, plan, plan_parser(ctx), record=not dry_run)
        asked = Asked(resume, reason if override_freeze else "", reason if hotfix else "")
        in_force, ref = book.of(ctx, environment), repository.ref(revision)
        if hotfix and not dry_run and not ctx.ledger.releases_of(plan.app, commit.tree):
            build_hotfix(ctx, repository, commit, plan, ref, in_force, book)
            book = read_rules(ctx, repository, plan, plan_parser(ctx))
            in_force = book.of(ctx, environment)
        order = admitted(ctx, commit, plan.app, book, in_force, ref, asked)
        order = dataclasses.replace(order, force=force, wait=wait, provided=Provided() if stored_secrets else None)
        if dry_run:
            changeset = decide(ctx, order, create=False).changeset
            say(json.dumps(changeset.data(), indent=2) if as_json else changeset.render())
        else:
            deploy_action(ctx, order)
