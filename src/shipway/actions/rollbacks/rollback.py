"""Roll back: deploy an older release again, with its secrets and its schema."""

from __future__ import annotations

from shipway.actions.deployments.deploy import execute
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.find_release import number_of
from shipway.actions.proofs.rollback_plan import rollback_plan_for
from shipway.actions.rollbacks.remedies import remedies
from shipway.context import Context, environment_of
from shipway.domain import history
from shipway.domain.errors import ForwardOnly, NothingToRollBack, UsageError
from shipway.domain.release import ROLLBACK, SUCCEEDED, Deployment, Release
from shipway.domain.rollback_plan import FORWARD_ONLY
from shipway.domain.value import dataclass

LISTED = 20  # releases listed in an error


@dataclass(frozen=True)
class RollbackRequest:
    """A rollback request."""

    to: str | None = None  # a version tag or a release number (12, r12); None: the last good one
    reason: str = ""
    way: str | None = None  # kind of plan, whatever the proofs show: keep or revert the schema; None: as they show
    force: bool = False  # also replace accessories, and let in clients that are kept out now


def rollback(ctx: Context, app: str, environment: str, request: RollbackRequest, *, wait: float = 0.0) -> Release:
    """Roll back; returns the release that serves again. Raises NothingToRollBack, and ForwardOnly if the proofs show no
    safe rollback."""
    with exclusive_access(ctx, app, environment, request.reason or "rollback", wait=wait) as own:
        order = rollback_order(own, app, environment, request)  # of the state without unfinished work
        execute(own, order)
        return order.release


def rollback_order(ctx: Context, app: str, environment: str, request: RollbackRequest) -> DeployRequest:
    """The request to roll back an environment, with a plan from the proofs, which is reported."""
    deployments = ctx.ledger.history(app, environment)
    now = history.current(deployments)
    target = _chosen(ctx, app, deployments, request.to) if request.to else history.rollback_target(deployments)
    if target is None or now is None:
        since = " since it was destroyed" if ctx.ledger.destroyed(app, environment) else ""
        was = f"release {now.release} is the first good one there" if now else f"no deployment there succeeded{since}"
        raise NothingToRollBack(
            f"{environment} has no rollback target: {was}", hint="`shipway history` lists what ran where"
        )
    release = ctx.ledger.release(app, target.release)
    assert release is not None
    where = environment_of(release.plan, environment)
    plan = rollback_plan_for(ctx, deployments, release, where, request.way, request.reason)
    ctx.reporter.note(plan.render())
    if plan.kind == FORWARD_ONLY:
        raise ForwardOnly(
            f"{environment} can't be rolled back to release {release.number}: no rollback path is proven",
            hint=remedies(ctx, release, where, deployments),
        )
    reason = request.reason or f"rollback from release {now.release} to {release.number}"
    return DeployRequest(release, where, ROLLBACK, reason, like=target, rollback=plan, force=request.force)


def _chosen(ctx: Context, app: str, deployments: list[Deployment], to: str) -> Deployment | None:
    good = [item for item in history.since_last_destroy(deployments) if item.outcome == SUCCEEDED]
    number = number_of(to)
    named = None if number else ctx.ledger.version(app, to)
    meant = {number, named.number if named else None, int(to) if to.isdecimal() and len(to) < 10 else None}
    found = [item for item in good if item.release in meant]
    if len({item.release for item in found}) > 1:
        listed = ", ".join(dict.fromkeys(f"r{item.release}" for item in found))
        raise UsageError(
            f"{to} is ambiguous, as a release number and as a version: {listed}",
            hint=f"name the release: --to {listed.split(', ')[0]}",
        )
    if not found:
        newest = list(dict.fromkeys(item.release for item in good))[:LISTED]
        ran = ", ".join("/".join([str(item), *ctx.ledger.versions(app, item)]) for item in newest)
        hint = (
            f"successful releases: {ran}"
            if ran
            else "no deployment there has succeeded yet: `shipway history` lists them"
        )
        raise NothingToRollBack(f"{to} never ran here successfully", hint=hint)
    return found[0]
