"""Whether a push changed anything that an app depends on: otherwise nothing runs for it."""

from __future__ import annotations

from collections.abc import Callable

from shipway.actions.projects.in_force import Rulebook
from shipway.context import Context
from shipway.domain.errors import RepositoryError
from shipway.domain.inputs import inputs_of
from shipway.domain.plan import Plan
from shipway.domain.release import DEPLOY, SUCCEEDED, Commit, Release, Trigger

RUNS = 50  # newest runs of the app that are compared


def unchanged(ctx: Context, commit: Commit, plan: Plan, trigger: Trigger, rules: Callable[[], Rulebook]) -> str:
    """A message that the push leads to what was run or deployed before; "": it is to be run.

    commit: as the plan sees it. Equal trees have the same plan, so that a commit which narrows its inputs is a change.
    Without `inputs` each push runs, as for a repository with a single app.
    """
    if not inputs_of(plan):
        return ""
    try:
        found = rules().triggered(ctx, plan, trigger.ref)
    except RepositoryError:  # the run reports it
        return ""
    if found is None:
        same = next(
            (item for item in ctx.ledger.runs(plan.app, RUNS) if _passed(item.outcome, item.trigger.kind)), None
        )
        return f"{plan.app}: unchanged since run {same.number}" if same and same.tree == commit.tree else ""
    release = _last_deployed(ctx, plan.app, found.environment)
    if release is None or release.tree != commit.tree:
        return ""
    return f"{plan.app}: unchanged since release {release.number}, which was deployed to {found.environment}"


def _passed(outcome: str, kind: str) -> bool:
    """Whether it was a whole run: a person may have run a single step."""
    return outcome == SUCCEEDED and kind in ("push", "tag")


def _last_deployed(ctx: Context, app: str, environment: str) -> Release | None:
    """The release of the newest deployment there, which a rollback may have replaced since: a push that changes nothing
    must not undo the rollback."""
    for item in ctx.ledger.history(app, environment):
        if item.destroyed:
            return None
        if (item.kind, item.outcome) == (DEPLOY, SUCCEEDED):
            return ctx.ledger.release(app, item.release)
    return None
