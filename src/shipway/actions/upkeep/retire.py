"""Stop outgoing releases: once their open requests have completed, or when their standby time is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from shipway.actions.deployments.cluster_rest import standing
from shipway.actions.deployments.desired_state import HostState, host_states
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.environment.outgoing import POLL, drain_and_stop, drained, standby_fits, wait_drained
from shipway.actions.messages.news import report
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.audit import Fact
from shipway.domain.container import LABEL_STANDBY, ContainerInfo
from shipway.domain.draining import removed_at, replaced_at
from shipway.domain.errors import EngineError, LeaseHeld
from shipway.domain.observed import on_standby, release_of
from shipway.domain.outbox import RETIRED
from shipway.domain.release import Deployment
from shipway.domain.value import dataclass
from shipway.system.parallel import attempt_all, side_by_side

SOON = 2.0  # seconds until the next check during a deployment
BREATH = 0.5  # seconds between removals in which a waiting command gets the lock
SELDOM = 10.0  # seconds between checks of long-running requests
OUT = "out"  # drained and on standby


@dataclass(frozen=True)
class _Step:
    """The next action on an outgoing release's container; it is checked again at `at` at the latest."""

    host: HostState
    item: ContainerInfo
    verb: str  # stop, remove or OUT
    due: bool
    at: float

    @property
    def ends_standby(self) -> bool:
        """Whether it was kept for a while, and is stopped now."""
        return self.verb == "stop" and float(self.item.labels.get(LABEL_STANDBY, "0")) > 0

    def do(self) -> None:
        ctx, app, environment = self.host.ctx, self.host.desired.app, self.host.desired.environment
        if self.verb == OUT:
            ctx.runtime.disconnect(names.rotation_network(app, environment), self.item.name)
        else:
            drain_and_stop(ctx, self.item, app, environment, remove=self.verb == "remove")


def retire(ctx: Context, app: str, environment: str, *, wait: float = 0.0) -> int:
    """Stop what is on standby on every host, once its open requests have completed. A rollback then starts it again.
    Returns the number stopped."""
    if standing(ctx, app, environment) is not None:
        with exclusive_access(ctx, app, environment, "end of the standby", wait=wait) as own:
            there = standing(own, app, environment)
            ended = there.end() if there else ()
            for release in ended:
                report(own, RETIRED, app, environment, release)
            return len(ended)
    deployments = ctx.ledger.history(app, environment)
    for host in host_states(ctx, app, environment):
        for item in on_standby(host.observed):
            wait_drained(host.ctx, [item], _since(deployments, item))
    with exclusive_access(ctx, app, environment, "end of the standby", wait=wait) as own:
        hosts = host_states(own, app, environment)
        needed = [(host, {change.name for change in host.changes.of("container", "remove")}) for host in hosts]
        warm = [(host, item) for host, older in needed for item in on_standby(host.observed) if item.name not in older]
        known = {item.id for _, item in warm}
        others = [
            step for step in _steps(own, deployments, hosts, at_once=True) if step.due and step.item.id not in known
        ]
        attempt_all(
            partial(_do, others),
            partial(
                side_by_side, lambda each: drain_and_stop(each[0].ctx, each[1], app, environment, remove=False), warm
            ),
        )
        _report(own, app, environment, [item for _, item in warm])
        return len(warm) + len(others)


def _report(ctx: Context, app: str, environment: str, ended: Sequence[ContainerInfo]) -> None:
    for release in sorted({release_of(item) or 0 for item in ended}):
        report(ctx, RETIRED, app, environment, release)


def retire_due(ctx: Context, app: str, environment: str) -> float | None:
    """Do what is due, and return when to call again (seconds since the epoch); None once nothing remains. EngineError, when all
    others are done, if a host can't be reached."""
    away: dict[str, EngineError] = {}
    if (there := standing(ctx, app, environment)) is not None:
        if there.until is not None and ctx.clock() >= there.until:
            retire(ctx, app, environment)
            return None
        return there.until
    try:
        while any(step.due for step in _now(ctx, app, environment, away)):
            with exclusive_access(ctx, app, environment, "drained") as own:
                due = [step for step in _now(own, app, environment, away) if step.due]
                removals = [step for step in due if step.verb == "remove"]
                chosen = [step for step in due if step not in removals[1:]]
                if chosen:
                    done = ", ".join(sorted(f"{step.verb} {step.item.name}" for step in chosen))
                    own.ledger.add_entry(Fact("standby", f"of earlier releases: {done}", app, environment))
                _do(chosen)
                _report(own, app, environment, [step.item for step in due if step.ends_standby])
            if len(removals) < 2:
                break
            ctx.cancelled.wait(BREATH)
    except LeaseHeld:
        return ctx.clock() + SOON
    remaining = _now(ctx, app, environment, away)
    if away:
        raise next(iter(away.values()))
    return min((step.at for step in remaining), default=None)


def _do(steps: Sequence[_Step]) -> None:
    """Workers first, since they would keep taking jobs; removals last, since they are not urgent."""
    attempt_all(
        *(
            partial(
                side_by_side,
                _Step.do,
                [step for step in steps if step.verb == verb],
                most=1 if verb == "remove" else 32,
            )
            for verb in ("stop", OUT, "remove")
        )
    )


def _now(ctx: Context, app: str, environment: str, away: dict[str, EngineError]) -> list[_Step]:
    away.clear()
    return list(_steps(ctx, ctx.ledger.history(app, environment), host_states(ctx, app, environment, away)))


def _steps(
    ctx: Context, deployments: Sequence[Deployment], hosts: Sequence[HostState], *, at_once: bool = False
) -> Iterator[_Step]:
    for host in hosts:
        verbs = {change.name: change.verb for change in host.changes.of("container", "stop", "remove")}
        warm = {item.name for item in on_standby(host.observed)}
        fits = standby_fits(host.ctx, on_standby(host.observed))[0]
        rotation = names.rotation_network(host.desired.app, host.desired.environment)
        for item in host.observed.services:
            now, since = ctx.clock(), _since(deployments, item)
            again = now + min(max(POLL, (now - since) / 10), SELDOM)
            over = since + (float(item.labels.get(LABEL_STANDBY, "0")) if fits else 0.0)
            if item.name in verbs:
                rested = (
                    removed_at(deployments, item, now)
                    if item.name in warm and verbs[item.name] == "remove" and not at_once
                    else 0.0
                )
                yield _Step(
                    host,
                    item,
                    verbs[item.name],
                    now >= rested and drained(host.ctx, item, since),
                    again if now >= rested else rested,
                )
            elif item.name in warm and now >= over:
                yield _Step(host, item, "stop", drained(host.ctx, item, since), again)
            elif item.name in warm and rotation in item.addresses:
                yield _Step(host, item, OUT, drained(host.ctx, item, since), min(again, over))
            elif item.name in warm:
                yield _Step(host, item, "stop", due=False, at=over)


def _since(deployments: Sequence[Deployment], item: ContainerInfo) -> float:
    """Latest possible time of its last new request."""
    found = replaced_at(deployments, release_of(item))
    if found is None:  # a surplus container of the serving release
        now = history.current(deployments)
        found = now.finished if now else None
    return found or 0.0
