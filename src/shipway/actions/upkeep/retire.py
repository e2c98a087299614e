"""Stop outgoing releases: once their open requests have completed, or when their standby time is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from shipway.actions.deployments.desired_state import HostState, host_states
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.outgoing import POLL, drained, leave, standby_fits, wait_drained
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.container import LABEL_STANDBY, ContainerInfo
from shipway.domain.draining import removed_at, replaced_at
from shipway.domain.errors import LeaseHeld
from shipway.domain.observed import release_of, standing_by
from shipway.domain.release import Deployment
from shipway.system.parallel import attempt_all, side_by_side

SOON = 2.0  # seconds until the next check during a deployment
BREATH = 0.5  # seconds between removals in which a waiting command gets the lock
SELDOM = 10.0  # seconds between checks of long-running requests
OUT = "out"  # drained and on standby


@dataclass(frozen=True)
class _Step:
    """The next action on an outgoing release's container; it is checked again at `at` at the latest."""

    place: HostState
    item: ContainerInfo
    verb: str  # stop, remove or OUT
    due: bool
    at: float

    def do(self) -> None:
        ctx, app, environment = self.place.ctx, self.place.wanted.app, self.place.wanted.environment
        if self.verb == OUT:
            ctx.runtime.disconnect(names.rotation_network(app, environment), self.item.name)
        else:
            leave(ctx, self.item, app, environment, remove=self.verb == "remove")


def retire(ctx: Context, app: str, environment: str, *, wait: float = 0.0) -> int:
    """Stop what is on standby on every host, once its open requests have completed. A rollback then starts it again.
    Returns the number stopped."""
    deployments = ctx.ledger.history(app, environment)
    for place in host_states(ctx, app, environment):
        for item in standing_by(place.observed):
            wait_drained(place.ctx, [item], _since(deployments, item))
    with exclusive_access(ctx, app, environment, "end of the standby", wait=wait) as own:
        places = host_states(own, app, environment)
        needed = [(place, {change.name for change in place.changes.of("container", "remove")}) for place in places]
        warm = [(place, item) for place, older in needed for item in standing_by(place.observed) if item.name not in older]
        known = {item.id for _, item in warm}
        others = [step for step in _steps(own, deployments, places, at_once=True) if step.due and step.item.id not in known]
        attempt_all(
            partial(_do, others),
            partial(side_by_side, lambda each: leave(each[0].ctx, each[1], app, environment, remove=False), warm),
        )
        return len(warm) + len(others)


def retire_due(ctx: Context, app: str, environment: str) -> float | None:
    """Do what is due, and return when to call again (seconds since the epoch); None once nothing remains."""
    try:
        while any(step.due for step in _now(ctx, app, environment)):
            with exclusive_access(ctx, app, environment, "drained") as own:
                due = [step for step in _now(own, app, environment) if step.due]
                removals = [step for step in due if step.verb == "remove"]
                _do([step for step in due if step not in removals[1:]])
            if len(removals) < 2:
                break
            ctx.cancelled.wait(BREATH)
    except LeaseHeld:
        return ctx.clock() + SOON
    return min((step.at for step in _now(ctx, app, environment)), default=None)


def _do(steps: Sequence[_Step]) -> None:
    """Workers first, since they would keep taking jobs; removals last, since they are not urgent."""
    attempt_all(
        *(
            partial(side_by_side, _Step.do, [step for step in steps if step.verb == verb], most=1 if verb == "remove" else 32)
            for verb in ("stop", OUT, "remove")
        )
    )


def _now(ctx: Context, app: str, environment: str) -> list[_Step]:
    return list(_steps(ctx, ctx.ledger.history(app, environment), host_states(ctx, app, environment)))


def _steps(ctx: Context, deployments: Sequence[Deployment], places: Sequence[HostState], *, at_once: bool = False) -> Iterator[_Step]:
    for place in places:
        verbs = {change.name: change.verb for change in place.changes.of("container", "stop", "remove")}
        warm = {item.name for item in standing_by(place.observed)}
        fits = standby_fits(place.ctx, standing_by(place.observed))[0]
        rotation = names.rotation_network(place.wanted.app, place.wanted.environment)
        for item in place.observed.services:
            now, since = ctx.clock(), _since(deployments, item)
            again = now + min(max(POLL, (now - since) / 10), SELDOM)
            over = since + (float(item.labels.get(LABEL_STANDBY, "0")) if fits else 0.0)
            if item.name in verbs:
                rested = removed_at(deployments, item, now) if item.name in warm and verbs[item.name] == "remove" and not at_once else 0.0
                yield _Step(place, item, verbs[item.name], now >= rested and drained(place.ctx, item, since), again if now >= rested else rested)
            elif item.name in warm and now >= over:
                yield _Step(place, item, "stop", drained(place.ctx, item, since), again)
            elif item.name in warm and rotation in item.addresses:
                yield _Step(place, item, OUT, drained(place.ctx, item, since), min(again, over))
            elif item.name in warm:
                yield _Step(place, item, "stop", due=False, at=over)


def _since(deployments: Sequence[Deployment], item: ContainerInfo) -> float:
    """Latest possible time of its last new request."""
    found = replaced_at(deployments, release_of(item))
    if found is None:  # a surplus container of the serving release
        now = history.current(deployments)
        found = now.finished if now else None
    return found or 0.0
