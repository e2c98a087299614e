"""Check a pull request from another repository, once a member says so."""

from __future__ import annotations

import re

from shipway.actions.messages.compose import is_of
from shipway.actions.projects.in_force import read_rules
from shipway.actions.projects.plans import ParsePlan, of_plan, plan_at
from shipway.actions.runs.run import run_outside
from shipway.context import Context
from shipway.domain.errors import GateRefused, UsageError
from shipway.domain.release import PULL, Trigger
from shipway.domain.webhook import PULLS
from shipway.system.git import Repository
from shipway.system.mirror import mirror, pulled


def run_pull_request(ctx: Context, app: str, number: int, revision: str, parse: ParsePlan) -> int:
    """Run the checks of its head, and return the run's number. revision: the commit that the member has read.
    UsageError if the app has no webhook, or the pull request has moved on; GateRefused if its plan is another app's."""
    shown = ctx.names.shown(app)
    registration = ctx.ledger.registration(app)
    webhook = next((item for item in ctx.ledger.webhooks() if is_of(ctx, item, app)), None)
    if registration is None or webhook is None:
        raise UsageError(
            f"{shown} has no webhook, which tells where its pull requests are",
            hint="add one: shipway webhook add NAME …",
        )
    if webhook.forge not in PULLS:
        raise UsageError(
            f"{webhook.forge} keeps no commits of other repositories in the repository",
            hint="push them to a branch of it",
        )
    ref = PULLS[webhook.forge].format(number)
    # The rules come from the repository's branches, and the commits from where its own forge keeps them.
    inside, repository = (
        Repository(mirror(ctx.home, webhook.address)),
        Repository(pulled(ctx.home, webhook.address, ref)),
    )
    commit = repository.commit(ref)
    if not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", revision):
        raise UsageError(
            f"{revision!r} is not a full commit hash: another commit could be made with the same beginning",
            hint="pass all 40 or 64 digits, as the forge or `git rev-parse` shows them",
        )
    if revision != commit.revision:
        raise UsageError(
            f"pull request {number} is at {commit.revision[:12]} now, not at {revision[:12]}",
            hint="read what has changed since",
        )
    plan = plan_at(repository, commit, parse, registration.plan)
    if plan.app != app:
        raise GateRefused(f"the plan of pull request {number} is of the app {plan.app}, not of {shown}")
    book = read_rules(ctx, inside, plan, parse, record=False)
    ctx.reporter.note(f"pull request {number} at {commit.revision[:12]}: its checks alone, without secrets and caches")
    seen = of_plan(repository, commit, plan)
    return run_outside(ctx, repository, seen, plan, Trigger(PULL, ref, ctx.actor), book)
