"""What runs where: the ledger's word beside what the engine says."""

from __future__ import annotations

from dataclasses import dataclass

from shipway.actions.observe import observe, versions
from shipway.context import Context
from shipway.domain import names
from shipway.domain import rollback as back
from shipway.domain.container import LABEL_NAME
from shipway.domain.observed import Observed, release_of
from shipway.domain.plan import Environment
from shipway.domain.release import PENDING, Deployment, Lease, Release


@dataclass(frozen=True)
class EnvironmentStatus:
    """One environment: `current` is the newest good deployment, `latest` the newest of all."""

    environment: Environment
    current: Deployment | None
    latest: Deployment | None
    release: Release | None
    versions: tuple[str, ...]
    services: dict[str, tuple[int, int]]  # of the current release: running, wanted
    strays: tuple[str, ...]  # containers of services that belong to another release
    accessories: dict[str, str]  # name: state
    lease: Lease | None


def status(ctx: Context, app: str, environment: Environment) -> EnvironmentStatus:
    """Read one environment."""
    history = ctx.ledger.deployments(app, environment.name, 50)
    current = back.current(history)
    release = ctx.ledger.release(app, current.release) if current else None
    observed = observe(ctx, app, environment.name, routes=False)
    lease = ctx.ledger.lease(names.scope(app, environment.name))
    return EnvironmentStatus(
        environment=environment,
        current=current,
        latest=history[0] if history else None,
        release=release,
        versions=tuple(versions(ctx, release)) if release else (),
        services=_services(observed, release, environment),
        strays=tuple(item.name for item in observed.services if item.running and (release is None or release_of(item) != release.number)),
        accessories={item.labels.get(LABEL_NAME, item.name): item.state for item in observed.accessories},
        lease=lease if lease and lease.expires > ctx.clock() else None,
    )


def _services(observed: Observed, release: Release | None, environment: Environment) -> dict[str, tuple[int, int]]:
    if release is None:
        return {}
    running = [item.labels.get(LABEL_NAME) for item in observed.services if item.running and release_of(item) == release.number]
    where = release.plan.environments.get(environment.name, environment)
    return {
        name: (running.count(name), where.replicas.get(name, service.replicas))
        for name, service in release.plan.services.items()
    }


def under_way(status: EnvironmentStatus) -> bool:
    """Whether a deployment is going on now."""
    return status.lease is not None and status.latest is not None and status.latest.outcome == PENDING
