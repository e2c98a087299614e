"""Go back: a new deployment of an older release, with the secrets it had, and its schema."""

from __future__ import annotations

from shipway.actions.decide import Order
from shipway.actions.deploy import put
from shipway.actions.observe import versions
from shipway.actions.recover import ready
from shipway.context import Context, environment_of
from shipway.domain import rollback as back
from shipway.domain.errors import NothingToRollBack
from shipway.domain.release import ROLLBACK, SUCCEEDED, Deployment, Release


def rollback(ctx: Context, app: str, environment: str, *, to: str | None, reason: str, wait: float) -> Release:
    """Carry it out; gives the release that serves again. Raises NothingToRollBack."""
    with ready(ctx, app, environment, reason or "rollback", wait=wait) as own:
        order = rollback_order(own, app, environment, to=to, reason=reason)  # of what stands once nothing is half done
        put(own, order)
        return order.release


def rollback_order(ctx: Context, app: str, environment: str, *, to: str | None, reason: str) -> Order:
    """The order that takes an environment back; `to` is a version tag or a release number, None the last good one."""
    history = ctx.ledger.deployments(app, environment, limit=1000)
    now = back.current(history)
    target = _chosen(ctx, app, history, to) if to else back.last_good(history)
    if target is None or now is None:
        was = f"release {now.release} is the first good one there" if now else "nothing was ever deployed there"
        raise NothingToRollBack(f"{environment} has nothing to roll back to: {was}", hint="`shipway history` lists what ran where")
    release = ctx.ledger.release(app, target.release)
    assert release is not None
    where = environment_of(release.plan, environment)
    return Order(release, where, ROLLBACK, reason or f"rollback from release {now.release} to {release.number}", like=target)


def _chosen(ctx: Context, app: str, history: list[Deployment], to: str) -> Deployment | None:
    good = [item for item in back.standing(history) if item.outcome == SUCCEEDED]
    chosen = next((item for item in good if to in _names(ctx, ctx.ledger.release(app, item.release))), None)
    if chosen is None:
        ran = ", ".join(dict.fromkeys("/".join(_names(ctx, ctx.ledger.release(app, item.release))) for item in good)) or "none"
        raise NothingToRollBack(f"{to} never ran here successfully", hint=f"these did: {ran}")
    return chosen


def _names(ctx: Context, release: Release | None) -> list[str]:
    return [str(release.number), *versions(ctx, release)] if release else []
