"""What runs where: the ledger's word beside what the engine says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.actions.leases import is_held
from shipway.actions.observe import observe, versions
from shipway.context import Context
from shipway.domain import names
from shipway.domain import rollback as back
from shipway.domain.container import LABEL_NAME, LABEL_STANDBY, ContainerInfo
from shipway.domain.observed import Observed, release_of
from shipway.domain.plan import Environment
from shipway.domain.release import PENDING, SUCCEEDED, Deployment, Lease, Release


@dataclass(frozen=True)
class Standby:
    """A release that stays up for a rollback."""

    release: int
    until: float  # seconds since the epoch; one whose time is over is about to stop
    containers: int


@dataclass(frozen=True)
class EnvironmentStatus:
    """One environment: `current` is the newest good deployment, `latest` the newest of all."""

    environment: Environment
    current: Deployment | None
    latest: Deployment | None
    release: Release | None
    versions: tuple[str, ...]
    services: dict[str, tuple[int, int]]  # of the current release: running, wanted
    standby: tuple[Standby, ...]
    strays: tuple[str, ...]  # running containers of services that belong to none of these, nor to what is being deployed
    accessories: dict[str, str]  # name: state
    lease: Lease | None


def status(ctx: Context, app: str, environment: Environment) -> EnvironmentStatus:
    """Read one environment."""
    history = ctx.ledger.deployments(app, environment.name, 50)
    current = back.current(history)
    release = ctx.ledger.release(app, current.release) if current else None
    observed = observe(ctx, app, environment.name, routes=False)
    lease = ctx.ledger.lease(names.scope(app, environment.name))
    lease = lease if is_held(lease, ctx.clock()) else None
    arriving = history[0].release if lease and history and history[0].outcome == PENDING else None
    known = {arriving, release.number} if release else {arriving}
    others = [item for item in observed.services if item.running and release_of(item) not in known]
    good = {item.release for item in back.standing(history) if item.outcome == SUCCEEDED}
    warm = [item for item in others if release_of(item) in good and LABEL_STANDBY in item.labels]
    return EnvironmentStatus(
        environment=environment,
        current=current,
        latest=history[0] if history else None,
        release=release,
        versions=tuple(versions(ctx, release)) if release else (),
        services=_services(observed, release, environment),
        standby=_standby(current, warm),
        strays=tuple(item.name for item in others if item not in warm),
        accessories={item.labels.get(LABEL_NAME, item.name): item.state for item in observed.accessories},
        lease=lease,
    )


def _standby(current: Deployment | None, warm: Sequence[ContainerInfo]) -> tuple[Standby, ...]:
    """By release. Their time begins when the deployment ended that took over."""
    since = (current.finished or current.started) if current else 0.0
    found: dict[int, list[float]] = {}
    for item in warm:
        found.setdefault(release_of(item) or 0, []).append(float(item.labels[LABEL_STANDBY]))
    return tuple(Standby(number, since + max(times), len(times)) for number, times in sorted(found.items()))


def _services(observed: Observed, release: Release | None, environment: Environment) -> dict[str, tuple[int, int]]:
    if release is None:
        return {}
    running = [item.labels.get(LABEL_NAME) for item in observed.services if item.running and release_of(item) == release.number]
    where = release.plan.environments.get(environment.name, environment)
    return {
        name: (running.count(name), where.replicas.get(name, service.replicas))
        for name, service in release.plan.services.items()
    }
