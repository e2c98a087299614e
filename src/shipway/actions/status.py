"""What runs where: the ledger's word beside what the engine says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.actions.leases import is_held
from shipway.actions.observe import observe, versions
from shipway.context import Context, side_by_side
from shipway.domain import names
from shipway.domain import rollback as back
from shipway.domain.container import LABEL_NAME, LABEL_STANDBY, ContainerInfo
from shipway.domain.drill import Drill, newest
from shipway.domain.errors import ShipwayError
from shipway.domain.levels import ahead, own_schema
from shipway.domain.observed import Observed, release_of
from shipway.domain.plan import Environment, Host
from shipway.domain.release import PENDING, SUCCEEDED, Acceptance, Deployment, Lease, Release


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
    services: dict[str, tuple[int, int]]  # of the current release, on all hosts: running, wanted
    away: tuple[str, ...]  # hosts that can't be reached, and why
    standby: tuple[Standby, ...]
    strays: tuple[str, ...]  # running containers of services that belong to none of these, nor to what is being deployed
    accessories: dict[str, str]  # name: state
    lease: Lease | None
    ahead: str | None  # where the schema is ahead of the code: the revision that this was made for
    drill: tuple[float, Drill] | None  # the last one from this release, and when
    accepted: tuple[Acceptance, ...]  # what people accepted of the release's proof, also what has expired


def status(ctx: Context, app: str, environment: Environment) -> EnvironmentStatus:
    """Read one environment."""
    history = ctx.ledger.deployments(app, environment.name, 50)
    current = back.current(history)
    release = ctx.ledger.release(app, current.release) if current else None
    where = release.plan.environments.get(environment.name, environment) if release else environment
    observed, away = _everywhere(ctx, app, where)
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
        services=_services(observed, release, where),
        away=away,
        standby=_standby(current, warm),
        strays=tuple(item.name for item in others if item not in warm),
        accessories={item.labels.get(LABEL_NAME, item.name): item.state for item in observed.accessories},
        lease=lease,
        ahead=own_schema(history, release) if release and ahead(history, release) else None,
        drill=newest(ctx.ledger.evidence(app, release.number), environment.name) if release else None,
        accepted=tuple(ctx.ledger.acceptances(app, environment.name, release.number)) if release else (),
    )


def _standby(current: Deployment | None, warm: Sequence[ContainerInfo]) -> tuple[Standby, ...]:
    """By release. Their time begins when the deployment ended that took over."""
    since = (current.finished or current.started) if current else 0.0
    found: dict[int, list[float]] = {}
    for item in warm:
        found.setdefault(release_of(item) or 0, []).append(float(item.labels[LABEL_STANDBY]))
    return tuple(Standby(number, since + max(times), len(times)) for number, times in sorted(found.items()))


def _everywhere(ctx: Context, app: str, environment: Environment) -> tuple[Observed, tuple[str, ...]]:
    """What runs on all hosts together; and the hosts that can't be asked, where there are several."""
    away: list[str] = []

    def look(host: Host) -> Observed:
        try:
            return observe(ctx.on(host.name), app, environment.name, routes=False)
        except ShipwayError as error:
            if len(environment.hosts) == 1:
                raise
            away.append(f"{host.name}: {error.message}")
            return Observed()

    found = [look(environment.hosts[0])] if len(environment.hosts) == 1 else side_by_side(look, environment.hosts)
    services = tuple(item for each in found for item in each.services)
    return Observed(services, tuple(item for each in found for item in each.accessories)), tuple(sorted(away))


def _services(observed: Observed, release: Release | None, environment: Environment) -> dict[str, tuple[int, int]]:
    if release is None:
        return {}
    running = [item.labels.get(LABEL_NAME) for item in observed.services if item.running and release_of(item) == release.number]
    hosts = len(environment.hosts)
    return {
        name: (running.count(name), hosts * environment.replicas.get(name, service.replicas))
        for name, service in release.plan.services.items()
    }
