"""`shipway approve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shipway.cli import Globals, app_option
from shipway.cli.output import TerminalReporter, say

if TYPE_CHECKING:
    from shipway.actions.environment.environments import KnownApp
    from shipway.actions.projects.in_force import Rulebook
    from shipway.context import Context
    from shipway.domain.plan import Plan
    from shipway.domain.release import Approval


@click.command()
@click.argument("environment")
@click.argument("release", required=False)
@click.option("--reason", default="", help="Why; recorded in the history")
@click.option(
    "--sign",
    "key",
    is_flag=False,
    flag_value="",
    metavar="[KEY]",
    help="Sign the approval with an SSH key [git's user.signingKey, else ssh's default key]",
)
@click.option("--expires", metavar="DURATION", help="How long a signed approval is valid [as in the plan, else 7d]")
@app_option
@click.pass_obj
def approve(
    options: Globals, environment: str, release: str | None, reason: str, key: str | None, expires: str | None,
    app: str | None,
) -> None:  # fmt: skip
    """Approve RELEASE (a number such as 12 or r12, or a version) for ENVIRONMENT, for exactly its digests.

    Without RELEASE: the release last validated in the preceding environment. A signed approval (--sign) is bound to this
    ledger, to the release that runs in the environment now, and to an expiry. A deployment that waited for it goes out with
    the last approval.
    """
    from pathlib import Path

    from shipway.actions.projects.approvals import Decisions
    from shipway.actions.projects.approve import Signing, find_release
    from shipway.actions.projects.approve import approve as approve_action
    from shipway.app import open_context
    from shipway.system.ssh_signature import default_key

    with open_context(options.home, TerminalReporter(), actor=options.actor) as opened:
        known = options.known_app(opened, app)
        ctx, (plan, where) = known.ctx, known.with_plan(environment)
        chosen = find_release(ctx, plan.app, where, release)
        book = rulebook(ctx, plan)
        in_force = book.of(ctx, where.name) if book else None
        rules = [item.approvals for _, item in in_force.environments] if in_force else [where.approvals]
        signing = None
        if key is not None:
            path = Path(key) if key else default_key(_signing_key())
            signing = Signing(path, seconds_of(expires, "--expires") if expires else None)
        decisions = Decisions(ctx, chosen, where.name, book, in_force)
        approval = approve_action(ctx, decisions, rules, reason, signing)
        say(f"{approval.actor} approved release {approval.release} of {plan.app} for {environment} ({_how(approval)})")
        for line in decisions.change.splitlines():
            say(f"  {line}")
        go_on(known, where.name, chosen.number)


def go_on(known: KnownApp, environment: str, release: int | None = None) -> None:
    """Let the deployment that waits there go out, if it is of this release and nothing is against it any more: the server on
    this machine does, or this process."""
    from shipway.actions.runs.queue import is_served
    from shipway.actions.runs.waiting import sources, take_up
    from shipway.app import plan_parser, recorded_repository
    from shipway.domain.errors import LeaseHeld

    ctx, shown = known.ctx, known.shown(environment)
    found = ctx.ledger.waiting(known.name, environment)
    if found is None or release not in (None, found.release):
        return
    what = f"the deployment of release {found.release} to {shown}, which waits"
    if is_served(ctx):
        say(f"{what}, is judged again by the server now: shipway wait {shown}")
        return
    try:
        take_up(ctx, known.name, environment, sources(known, plan_parser(ctx), recorded_repository))
    except LeaseHeld:
        say(f"{what}, is judged again by another process now")


def _signing_key() -> str | None:
    """The key of this folder's git configuration, or the user's: not that of a repository found by the ledger."""
    from pathlib import Path

    from shipway.system.git import setting

    return setting(Path.cwd(), "user.signingKey")


def rulebook(ctx: Context, plan: Plan) -> Rulebook | None:
    """The rules; None if the app isn't registered yet or its repository is unreachable: the deployment checks again."""
    from shipway.actions.projects.in_force import read_rules
    from shipway.app import plan_parser
    from shipway.domain.errors import RepositoryError

    if ctx.ledger.registration(plan.app) is None:
        return None
    try:
        return read_rules(ctx, ctx.repository(), plan, plan_parser(ctx))
    except RepositoryError as error:
        ctx.reporter.note(f"the rules in force can't be read now, so only the deployment checks them: {error.message}")
        return None


def _how(approval: Approval) -> str:
    from shipway.domain.signers import fingerprint
    from shipway.system.durations import timestamp
    from shipway.system.ssh_signature import signer

    key = signer(approval.signature) if approval.signature else None
    if key is None or approval.expires is None:
        return f"claimed by {approval.login}, not signed"
    return f"signed with {fingerprint(key)}, until {timestamp(approval.expires)}"


def seconds_of(text: str, option: str) -> float:
    """Parse an option's duration to seconds."""
    import re

    from shipway.planfile.values import DURATION, seconds

    if not re.match(DURATION.pattern, text):
        raise click.BadParameter(f"{text!r} is not {DURATION.expected}", param_hint=option)
    return seconds(text)
