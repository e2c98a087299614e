"""How a release takes over from the previous one: all at once, a few replicas at a time, or by a growing share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from operator import methodcaller
from typing import Any, Protocol

from shipway.actions.deployments.cluster import ClusterDeployment
from shipway.actions.deployments.host import HostDeployment
from shipway.actions.deployments.monitor import watch, watch_in_cluster
from shipway.actions.deployments.places import Place
from shipway.actions.deployments.plan import DeployRequest
from shipway.context import Context
from shipway.domain import routes
from shipway.domain.container import LABEL_NAME, ContainerInfo, ContainerSpec
from shipway.domain.observed import DesiredState, release_of
from shipway.domain.release import DEPLOY, ROLLBACK
from shipway.system.parallel import side_by_side


class Switching(Protocol):
    """The part of a deployment that a strategy drives."""

    ctx: Context
    order: DeployRequest
    hosts: list[Place]
    decided: float  # when, by the context's clock
    switched: bool  # whether requests reach the release
    last_switch: float | None  # when it took effect on all hosts

    def everywhere(self, work: Callable[[Any], object]) -> None:
        """Run on all hosts in parallel."""

    def switch(self, work: Callable[[Any], object]) -> None:
        """Switch all hosts or none."""


def take_over(switching: Switching) -> None:
    """Take over by the plan's strategy; at once if there is no previous release."""
    order = switching.order
    first = switching.hosts[0]
    if isinstance(first, ClusterDeployment):
        _in_cluster(switching, first)
        return _tell(switching)
    old = first.observed.routes
    fresh = old is None or any(host.desired.routes == host.observed.routes for host in switching.hosts)
    fresh = fresh or order.kind != DEPLOY  # of a restart: both are the same release, which shares can't tell apart
    kind = "rollback" if order.kind == ROLLBACK else "blue-green" if fresh else order.environment.strategy.kind
    {"rollback": _back, "blue-green": _blue_green, "rolling": _rolling, "canary": _canary}[kind](switching)
    if switching.switched:
        switching.everywhere(methodcaller("forget_names"))
    _tell(switching)


def _tell(switching: Switching) -> None:
    if switching.last_switch is not None:
        took = (switching.last_switch - switching.decided) * 1000
        switching.ctx.reporter.note(
            f"all requests go to release {switching.order.release.number}, {took:.0f} ms after the decision"
        )


def _blue_green(switching: Switching) -> None:
    switching.everywhere(methodcaller("web"))
    switching.everywhere(methodcaller("workers"))
    switching.everywhere(methodcaller("attach"))
    switching.everywhere(methodcaller("confirm_healthy"))
    switching.switch(methodcaller("switch_all"))


def _back(switching: Switching) -> None:
    """Roll back: its workers were good before, and need not wait for the containers on standby."""

    def web() -> None:
        switching.everywhere(methodcaller("web"))
        switching.everywhere(methodcaller("attach"))
        switching.switch(methodcaller("switch_all"))

    works: list[Callable[[], None]] = [web, lambda: switching.everywhere(methodcaller("workers"))]
    side_by_side(lambda work: work(), works)


def _canary(switching: Switching) -> None:
    """Give it a growing share of the requests while they do well; its workers start at the full share."""
    strategy, rule = switching.order.environment.strategy, switching.order.environment.watch
    switching.everywhere(methodcaller("web"))
    switching.everywhere(methodcaller("attach"))
    for share in strategy.steps:
        switching.switch(partial(_blend, share=share))
        with switching.ctx.part("canary", f"{share:.0%} of the requests for {strategy.hold:g} s"):
            new, old = switching.order.release.number, switching.hosts[0].observed.routed_release
            watch(switching.hosts, rule, new, duration=strategy.hold, old=old)
    switching.everywhere(methodcaller("workers"))
    switching.switch(methodcaller("switch_all"))


def _in_cluster(switching: Switching, place: ClusterDeployment) -> None:
    """All at once, or a growing share by the routes of a Gateway, while the release stays healthy: requests are not counted there."""
    order, strategy = switching.order, switching.order.environment.strategy
    if order.kind == ROLLBACK:
        return _back(switching)
    switching.everywhere(methodcaller("web"))
    old = place.sharing() if order.kind == DEPLOY and strategy.kind == "canary" else None
    for share in strategy.steps if old is not None else ():
        switching.switch(methodcaller("share", old, share))
        with switching.ctx.part("canary", f"{share:.0%} of the requests for {strategy.hold:g} s"):
            watch_in_cluster(place, order.release.number, duration=strategy.hold)
    switching.switch(methodcaller("switch_all"))


def _blend(host: HostDeployment, share: float) -> None:
    old, new = host.observed.routes, host.desired.routes
    host.switch(routes.blend(old, new, share) if old is not None and new is not None else new)


def _rolling(switching: Switching) -> None:
    """Replace a few replicas of each service at a time: the new ones start and take requests, then as many old ones
    stop."""
    batch = switching.order.environment.strategy.batch
    for done in count(batch, batch):
        switching.everywhere(partial(_start, done=done))
        if all(len(_first(host.desired, done)) == len(host.desired.services) for host in switching.hosts):
            switching.switch(methodcaller("switch_all"))
            return  # remaining old ones stop with the rest
        switching.switch(partial(_mix, done=done))
        switching.everywhere(partial(_stop, done=done))


def _start(host: HostDeployment, done: int) -> None:
    chosen = _first(host.desired, done)
    host.start(chosen)
    host.attach([spec for spec in host.desired.web if spec in chosen])


def _mix(host: HostDeployment, done: int) -> None:
    old, new = host.observed.routes, host.desired.routes
    if new is not None:
        host.switch(routes.mix(old or {**new, "routes": []}, new, done))


def _stop(host: HostDeployment, done: int) -> None:
    serving = [item for item in host.observed.services if release_of(item) == host.observed.routed_release]
    by_service: dict[str, list[ContainerInfo]] = {}
    for item in sorted(serving, key=lambda item: (len(item.name), item.name)):  # in the order of replica numbers
        by_service.setdefault(item.labels[LABEL_NAME], []).append(item)
    host.drain([item for items in by_service.values() for item in items[:done] if item.active])


def _first(desired: DesiredState, number: int) -> list[ContainerSpec]:
    """The first replicas of each service, that many."""
    seen: Counter[str] = Counter()
    chosen = []
    for spec in desired.services:
        seen[spec.labels[LABEL_NAME]] += 1
        if seen[spec.labels[LABEL_NAME]] <= number:
            chosen.append(spec)
    return chosen
