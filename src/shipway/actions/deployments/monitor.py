"""Watch a release's requests by the counts of the edges; with too little traffic, send synthetic requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from shipway.actions.deployments.cluster import ClusterDeployment
from shipway.actions.deployments.places import Place
from shipway.actions.deployments.waits import hold_after_rollback
from shipway.domain.errors import DeployFailed, Interrupted
from shipway.domain.strategy import Watch
from shipway.domain.traffic import BAD, UNKNOWN, Traffic, Verdict, judge

INTERVAL = 1.0  # seconds between two checks
Counts = Sequence[Mapping[int, Traffic]]


def watch(hosts: Sequence[Place], rule: Watch, release: int, *, duration: float, old: int | None = None) -> None:
    """Watch for `duration` seconds. DeployFailed as soon as its requests do badly: it is rolled back, and automatic
    deployment is on hold from then on. `old`: the release to compare it with."""
    with _on_hold_if_it_fails(hosts[0], release):
        _watch(hosts, rule, release, duration, old)


def watch_in_cluster(place: ClusterDeployment, release: int, *, duration: float) -> None:
    """Likewise, as soon as it isn't healthy: a cluster doesn't count requests."""
    with _on_hold_if_it_fails(place, release):
        place.stay_healthy(duration)


@contextmanager
def _on_hold_if_it_fails(place: Place, release: int) -> Iterator[None]:
    try:
        yield
    except DeployFailed as error:
        hold_after_rollback(place.ctx, place.app, place.environment, release, error.message, actor="Shipway")
        raise


def _watch(hosts: Sequence[Place], rule: Watch, release: int, duration: float, old: int | None) -> None:
    ctx = hosts[0].ctx
    start, end = _counts(hosts), ctx.clock() + duration
    while True:
        now = _counts(hosts)
        new, before = _since(start, now, release), None if old is None else _since(start, now, old)
        verdict = judge(new, rule, before)
        if verdict.word == BAD:
            raise DeployFailed(f"release {release} is rolled back: {verdict.why}")
        for host in hosts:
            host.require_stable()
        remaining = end - ctx.clock()
        if remaining <= 0:
            break
        ctx.cancelled.wait(min(INTERVAL, remaining))
        if ctx.cancelled.is_set():
            raise Interrupted(f"interrupted while release {release} was watched")
    if verdict.word == UNKNOWN:
        ctx.reporter.note(f"{verdict.word}: {verdict.why}; Shipway sends synthetic requests")
        verdict = _with_probes(hosts, rule, release, new)
    ctx.reporter.note(f"release {release}: {verdict.why}")


def _with_probes(hosts: Sequence[Place], rule: Watch, release: int, seen: Traffic) -> Verdict:
    """Judge the traffic so far, supplemented by as many synthetic requests as needed."""
    failed, missing = 0, rule.requests - seen.requests
    last = ""
    for number in range(missing):
        host = hosts[number % len(hosts)]
        problem = host.ctx.edge.probe(host.owner, release)
        failed, last = (failed + 1, problem) if problem else (failed, last)
    verdict = judge(Traffic(seen.requests + missing, seen.errors + failed), rule)
    if verdict.word == BAD:
        raise DeployFailed(f"release {release} is rolled back: {verdict.why}; {failed} of these were synthetic: {last}")
    return verdict


def _counts(hosts: Sequence[Place]) -> Counts:
    return [host.ctx.edge.traffic(host.owner) for host in hosts]


def _since(start: Counts, now: Counts, release: int) -> Traffic:
    """The sum over all edges."""
    none = Traffic()
    parts = (after.get(release, none) - before.get(release, none) for before, after in zip(start, now, strict=True))
    return sum(parts, none)
