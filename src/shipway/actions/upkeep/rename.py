"""Rename an app or an environment. Only what people call it changes: the ledger, the engines and the secrets keep its first
name, so nothing is moved, restarted or lost, and one record in the ledger is the whole change."""

from __future__ import annotations

import re
from contextlib import ExitStack

from shipway.actions.environment.environments import KnownApp
from shipway.actions.environment.locks import environment_lease
from shipway.actions.upkeep.progress import describe, in_progress
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.names import BUILDS, PROOFS, REGISTRY, scope
from shipway.domain.renaming import Renaming
from shipway.planfile.values import NAME_PATTERN, NAME_WORDS


def rename_app(ctx: Context, old: str, new: str, reason: str) -> bool:
    """Give the app that has or had the old name the new one; False if it is called that already. UsageError for an unknown
    app, a name that isn't free, and while anything is in progress."""
    app = ctx.names.app(old)
    if app not in ctx.ledger.apps():
        known = ", ".join(map(ctx.names.shown, ctx.ledger.apps())) or "none"
        raise UsageError(f"the ledger has no app {old!r}", hint=f"it has: {known}")
    _require_valid(new)
    if ctx.names.shown(app) == new:
        return False
    _require_idle(ctx, app, None)
    with ExitStack() as locks:
        for environment in ctx.ledger.environments(app):
            ctx = locks.enter_context(environment_lease(ctx, app, environment, f"rename to {new}"))
        _record(ctx, Renaming(app, "", new, ctx.actor, reason, ctx.clock()), f"an app is or was called {new}")
    return True


def rename_environment(known: KnownApp, old: str, new: str, reason: str) -> bool:
    """The same for one of the app's environments."""
    ctx, app, environment = known.ctx, known.name, known.kept(old)
    if environment not in ctx.ledger.environments(app) and not ctx.secrets.names(scope(app, environment)):
        listed = ", ".join(map(known.shown, ctx.ledger.environments(app))) or "none"
        raise UsageError(
            f"the ledger has no environment {old!r} of {known.shown_app}: nothing was deployed there",
            hint=f"it has: {listed}; to rename one that was never deployed, change the plan alone",
        )
    _require_valid(new)
    if new in (PROOFS, REGISTRY, BUILDS):
        raise UsageError(f"{new} is reserved: `shipway secret` uses this name for other secrets")
    if known.shown(environment) == new:
        return False
    if known.plan and {environment, new} <= set(known.plan.environments) and new == known.kept(new) != environment:
        raise UsageError(
            f"the plan has both {old} and {new}, which would be one environment",
            hint=f"remove {new} from the plan, or choose another name",
        )
    _require_idle(ctx, app, environment)
    with environment_lease(ctx, app, environment, f"rename to {new}") as own:
        taken = f"an environment of {known.shown_app} is or was called {new}"
        _record(own, Renaming(app, environment, new, own.actor, reason, own.clock()), taken)
    return True


def _require_valid(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(f"{name!r} is no name: {NAME_WORDS}")


def _require_idle(ctx: Context, app: str, environment: str | None) -> None:
    """Nothing is in progress there (None: on any environment), and no run of the app either; work of a dead process is no
    hindrance, but a deployment that it left unfinished is."""
    for work in in_progress(ctx, app):
        run = work.what.startswith("run ")
        what = work.what.removeprefix("run ") if run else ctx.names.shown(app, work.what)
        if work.alive and (run or environment in (None, work.what)):
            raise UsageError(
                f"{work.reason} is in progress, by {work.who}: nothing is renamed meanwhile",
                hint=f"shipway wait {what}; or: shipway cancel {what}",
            )
    for name in [environment] if environment else ctx.ledger.environments(app):
        pending = ctx.ledger.pending(app, name)
        if pending:
            shown = ctx.names.shown(app, name)
            raise UsageError(
                f"the {describe(pending[0])} to {shown} is unfinished",
                hint=f"`shipway doctor {shown} --fix` completes it or rolls it back",
            )


def _record(ctx: Context, renaming: Renaming, taken: str) -> None:
    if not ctx.ledger.rename(renaming):
        raise UsageError(f"{taken}: a name stays with what had it, so that history and old plans mean the same")
