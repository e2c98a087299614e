"""Let the release before leave: out of rotation when its requests have ended, stopped when its standby is over."""

from __future__ import annotations

from functools import partial

from shipway.actions.recover import ready
from shipway.actions.standing import Standing, leave, standing
from shipway.context import Context, attempt_all, side_by_side
from shipway.domain import names
from shipway.domain import rollback as back
from shipway.domain.container import LABEL_DRAIN, LABEL_STANDBY, ContainerInfo
from shipway.domain.errors import LeaseHeld
from shipway.domain.observed import drained_at, standing_by

SOON = 2.0  # seconds after which to look again, where a deployment is under way


def retire(ctx: Context, app: str, environment: str, *, wait: float = 0.0) -> int:
    """Stop what stands by, now, on every host. A rollback then starts it again. Returns how many were stopped."""
    with ready(ctx, app, environment, "end of the standby", wait=wait) as own:
        places = standing(own, app, environment)
        attempt_all(
            *(partial(_leave, places, verb) for verb in ("stop", "remove")),
            *(partial(side_by_side, partial(_stop, place), standing_by(place.observed)) for place in places),
        )
        return sum(len(standing_by(place.observed)) for place in places)


def retire_due(ctx: Context, app: str, environment: str) -> float | None:
    """Do what is due, and return when to call again (seconds since the epoch); None once nothing is left to do."""
    places = standing(ctx, app, environment)
    now = back.current(ctx.ledger.deployments(app, environment))
    found = [item for place in places for item in standing_by(place.observed)]
    try:
        if any(_leaving(place, "stop") for place in places):
            with ready(ctx, app, environment, "left by a rollback") as own:
                _leave(standing(own, app, environment), "stop")
        if now is None or now.finished is None:
            return None
        drained = drained_at(now.finished, found)
        if ctx.clock() < drained:
            return drained
        if any(_leaving(place, "remove") for place in places):
            with ready(ctx, app, environment, "older releases") as own:
                _leave(standing(own, app, environment), "remove", most=1)  # nobody waits for it
        if not found:
            return None
        over = now.finished + max(float(item.labels[LABEL_STANDBY]) for item in found)
        if ctx.clock() >= over:
            retire(ctx, app, environment)
            return None
        if any(names.rotation_network(app, environment) in item.addresses for item in found):
            with ready(ctx, app, environment, "drained") as own:
                places = standing(own, app, environment)
                attempt_all(*(partial(side_by_side, partial(_out, place), standing_by(place.observed)) for place in places))
    except LeaseHeld:
        return ctx.clock() + SOON
    return over


def _leaving(place: Standing, verb: str) -> list[ContainerInfo]:
    """stop: what a rollback left running, so that its workers finish their jobs while nobody waits for them. remove: what
    is older than the release that stands by."""
    going = {change.name for change in place.changes.of("container", verb)}
    return [item for item in place.observed.services if item.name in going]


def _leave(places: list[Standing], verb: str, *, most: int = 32) -> None:
    attempt_all(*(partial(side_by_side, partial(_take_out, place, verb), _leaving(place, verb), most=most) for place in places))


def _take_out(place: Standing, verb: str, item: ContainerInfo) -> None:
    leave(place.ctx, item, place.wanted.app, place.wanted.environment, remove=verb == "remove")


def _out(place: Standing, item: ContainerInfo) -> None:
    place.ctx.runtime.disconnect(names.rotation_network(place.wanted.app, place.wanted.environment), item.name)


def _stop(place: Standing, item: ContainerInfo) -> None:
    place.ctx.runtime.stop(item.name, float(item.labels[LABEL_DRAIN]))  # first: it may still answer requests
    _out(place, item)
