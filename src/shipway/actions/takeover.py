"""How a release takes over from the previous one: all at once, a few replicas at a time, or by a growing share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from shipway.actions.place import Place
from shipway.actions.watch import watch
from shipway.context import side_by_side
from shipway.domain import routes
from shipway.domain.container import LABEL_NAME, ContainerInfo, ContainerSpec
from shipway.domain.observed import release_of
from shipway.domain.release import DEPLOY

if TYPE_CHECKING:
    from shipway.actions.apply import Applying


def take_over(applying: Applying) -> None:
    """Take over by the plan's strategy; at once if there is no previous release."""
    order = applying.order
    old = applying.places[0].observed.routes
    fresh = old is None or any(place.wanted.routes == place.observed.routes for place in applying.places)
    kind = "rollback" if order.kind != DEPLOY else "blue-green" if fresh else order.environment.strategy.kind
    {"rollback": _back, "blue-green": _blue_green, "rolling": _rolling, "canary": _canary}[kind](applying)
    if applying.switched:
        applying.everywhere(Place.forget_names)
    if applying.last_switch is not None:
        took = (applying.last_switch - applying.decided) * 1000
        applying.ctx.reporter.note(f"all requests go to release {order.release.number}, {took:.0f} ms after the decision")


def _blue_green(applying: Applying) -> None:
    applying.everywhere(Place.web)
    applying.everywhere(Place.workers)
    applying.everywhere(Place.enter)
    applying.everywhere(Place.settle)
    applying.switch(Place.take)


def _back(applying: Applying) -> None:
    """Roll back: its workers were good before, and need not wait for the containers on standby."""

    def web() -> None:
        applying.everywhere(Place.web)
        applying.everywhere(Place.enter)
        applying.switch(Place.take)

    works: list[Callable[[], None]] = [web, lambda: applying.everywhere(Place.workers)]
    side_by_side(lambda work: work(), works)


def _canary(applying: Applying) -> None:
    """Give it a growing share of the requests while they do well; its workers start at the full share."""
    strategy, rule = applying.order.environment.strategy, applying.order.environment.watch
    applying.everywhere(Place.web)
    applying.everywhere(Place.enter)
    for share in strategy.steps:
        applying.switch(partial(_blend, share=share))
        with applying.ctx.part("canary", f"{share:.0%} of the requests for {strategy.hold:g} s"):
            new, old = applying.order.release.number, applying.places[0].observed.routed_release
            watch(applying.places, rule, new, duration=strategy.hold, old=old)
    applying.everywhere(Place.workers)
    applying.switch(Place.take)


def _blend(place: Place, share: float) -> None:
    old, new = place.observed.routes, place.wanted.routes
    place.switch(routes.blend(old, new, share) if old is not None and new is not None else new)


def _rolling(applying: Applying) -> None:
    """Replace a few replicas of each service at a time: the new ones start and take requests, then as many old ones
    stop."""
    batch = applying.order.environment.strategy.batch
    for done in count(batch, batch):
        applying.everywhere(partial(_start, done=done))
        if all(len(_first(place, done)) == len(place.wanted.services) for place in applying.places):
            applying.switch(Place.take)
            return  # remaining old ones stop with the rest
        applying.switch(partial(_mix, done=done))
        applying.everywhere(partial(_stop, done=done))


def _start(place: Place, done: int) -> None:
    chosen = _first(place, done)
    place.start(chosen)
    place.enter([spec for spec in place.wanted.web if spec in chosen])


def _mix(place: Place, done: int) -> None:
    old, new = place.observed.routes, place.wanted.routes
    if new is not None:
        place.switch(routes.mix(old or {**new, "routes": []}, new, done))


def _stop(place: Place, done: int) -> None:
    left = [item for item in place.observed.services if release_of(item) == place.observed.routed_release]
    by_service: dict[str, list[ContainerInfo]] = {}
    for item in sorted(left, key=lambda item: (len(item.name), item.name)):  # in the order of replica numbers
        by_service.setdefault(item.labels[LABEL_NAME], []).append(item)
    place.drain([item for items in by_service.values() for item in items[:done] if item.active])


def _first(place: Place, number: int) -> list[ContainerSpec]:
    """The first replicas of each service, that many."""
    seen: Counter[str] = Counter()
    chosen = []
    for spec in place.wanted.services:
        seen[spec.labels[LABEL_NAME]] += 1
        if seen[spec.labels[LABEL_NAME]] <= number:
            chosen.append(spec)
    return chosen
