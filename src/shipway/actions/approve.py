"""Record that a person approves a release for an environment, on these very digests."""

from __future__ import annotations

from shipway.actions.approvals import Decisions
from shipway.actions.observe import versions
from shipway.context import Context
from shipway.domain import rollback as back
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.plan import Environment
from shipway.domain.release import Approval, Release
from shipway.system.login import login


def approve(ctx: Context, app: str, environment: Environment, which: str | None, reason: str) -> Approval:
    """Approve a release (its number or version; None: what runs in the environment before) as the context's actor."""
    release = find_release(ctx, app, environment, which)
    try:
        refused = Decisions(ctx, release, environment.name).refused(environment.approvals, ctx.actor)
    except (GateRefused, RepositoryError) as error:  # the deployment asks again, where all commits are
        ctx.reporter.note(f"whether {ctx.actor} is an author of it is checked by the deployment: {error.message}")
        refused = None
    if refused:
        raise GateRefused(refused, hint="another person approves it, under their own name (--as or git's user.email)")
    done = [item for item in ctx.ledger.approvals(app, environment.name, release.number) if item.digest == release.digest]
    for approval in done:
        if approval.actor == ctx.actor and not _expired(approval, environment, ctx.clock()):
            return approval
    approval = Approval(app, environment.name, release.number, release.digest, ctx.actor, reason, ctx.clock(), login())
    ctx.ledger.add_approval(approval)
    return approval


def find_release(ctx: Context, app: str, environment: Environment, which: str | None) -> Release:
    """The release meant by a number or version tag; None: the one validated last in the environment before."""
    if which:
        release = ctx.ledger.release(app, int(which)) if which.isdigit() else _by_version(ctx, app, which)
    else:
        before = environment.after
        if before is None:
            raise UsageError(f"say which release: {environment.name} comes after no other environment")
        now = back.current(ctx.ledger.deployments(app, before))
        if now is None:
            raise UsageError(f"nothing was validated on {before} yet", hint=f"deploy to {before} first")
        release = ctx.ledger.release(app, now.release)
    if release is None:
        raise UsageError(f"{app} has no release {which}", hint="`shipway history` lists them")
    return release


def _by_version(ctx: Context, app: str, version: str) -> Release | None:
    return next((item for item in ctx.ledger.releases(app, limit=1000) if version in versions(ctx, item)), None)


def _expired(approval: Approval, environment: Environment, now: float) -> bool:
    expire = environment.approvals.expire
    return expire is not None and approval.at + expire < now
