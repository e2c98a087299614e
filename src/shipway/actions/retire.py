"""Let the release before leave: out of rotation when its requests have ended, stopped when its standby is over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from shipway.actions.decide import hosts_of
from shipway.actions.observe import observe
from shipway.actions.recover import ready
from shipway.context import Context, side_by_side
from shipway.domain import names
from shipway.domain import rollback as back
from shipway.domain.container import LABEL_DRAIN, LABEL_STANDBY, ContainerInfo
from shipway.domain.errors import LeaseHeld
from shipway.domain.observed import standing_by

SOON = 2.0  # seconds after which to look again, where a deployment is under way


def retire(ctx: Context, app: str, environment: str, *, wait: float = 0.0) -> int:
    """Stop what stands by, now, on every host. A rollback then starts it again. Returns how many were stopped."""
    with ready(ctx, app, environment, "end of the standby", wait=wait) as own:
        found = 0
        for here, standing in _standing(own, app, environment):
            _leave(here, app, environment, standing)
            side_by_side(partial(_stop, here), standing)
            found += len(standing)
        return found


def retire_due(ctx: Context, app: str, environment: str) -> float | None:
    """Do what is due, and return when to call again (seconds since the epoch); None once nothing stands by."""
    found = [item for _, standing in _standing(ctx, app, environment) for item in standing]
    now = back.current(ctx.ledger.deployments(app, environment))
    if not found or now is None or now.finished is None:
        return None
    drained = now.finished + max(float(item.labels[LABEL_DRAIN]) for item in found)
    over = now.finished + max(float(item.labels[LABEL_STANDBY]) for item in found)
    if ctx.clock() < drained:
        return drained
    try:
        if ctx.clock() >= over:
            retire(ctx, app, environment)
            return None
        if any(names.rotation_network(app, environment) in item.addresses for item in found):
            with ready(ctx, app, environment, "drained") as own:
                for here, standing in _standing(own, app, environment):
                    _leave(here, app, environment, standing)
    except LeaseHeld:
        return ctx.clock() + SOON
    return over


def _standing(ctx: Context, app: str, environment: str) -> list[tuple[Context, list[ContainerInfo]]]:
    """By host, of those of the newest release."""
    now = back.current(ctx.ledger.deployments(app, environment))
    release = ctx.ledger.release(app, now.release) if now else None
    hosts = hosts_of(ctx, release.plan.environments[environment], None) if release else []
    places = [ctx.on(host.name) for host in hosts]
    return [(here, standing_by(observe(here, app, environment))) for here in places]


def _leave(ctx: Context, app: str, environment: str, containers: Sequence[ContainerInfo]) -> None:
    rotation = names.rotation_network(app, environment)
    side_by_side(lambda item: ctx.runtime.disconnect(rotation, item.name), containers)


def _stop(ctx: Context, item: ContainerInfo) -> None:
    ctx.runtime.stop(item.name, float(item.labels[LABEL_DRAIN]))
