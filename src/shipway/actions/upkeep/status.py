"""What runs where: the ledger's record beside the engine's state."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from shipway.actions.deployments.waits import hold_of, hotfix_of
from shipway.actions.environment.at_edge import expiries
from shipway.actions.environment.ended import ended
from shipway.actions.environment.former_hosts import former_hosts
from shipway.actions.environment.locks import is_held
from shipway.actions.environment.observe import observe, versions
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.adjustments import planned
from shipway.domain.certificate import BUNDLE, problem
from shipway.domain.container import LABEL_NAME, LABEL_RESTART, LABEL_STANDBY, ContainerInfo
from shipway.domain.draining import drain_of, ends_at, replaced_at
from shipway.domain.errors import ShipwayError
from shipway.domain.launch import OPEN, LaunchRecord, succeeded, unfinished
from shipway.domain.observed import Observed, release_of
from shipway.domain.plan import Environment, Host
from shipway.domain.provision import CERTIFICATE
from shipway.domain.purge import Purge
from shipway.domain.release import FAILED, PENDING, SUCCEEDED, Deployment, Lease, Release, Waiver
from shipway.domain.scaling import scaled
from shipway.domain.schema_history import ahead, own_schema
from shipway.domain.secret_source import SecretAge, ages
from shipway.domain.value import dataclass
from shipway.domain.waiting import Hold, Waiting
from shipway.system.parallel import side_by_side

if TYPE_CHECKING:  # keeps imports of every command cheap
    from shipway.actions.proofs.recorded import ProofSummary
    from shipway.domain.backups import BackupAge
    from shipway.domain.rehearsal import Rehearsal


RECENT = 20  # purges that are read


@dataclass(frozen=True)
class Standby:
    """A release on standby for a rollback."""

    release: int
    until: float  # seconds since the epoch; in the past: about to stop
    containers: int


@dataclass(frozen=True)
class Draining:
    """A release without new requests, which stops when its open ones have completed."""

    release: int
    until: float  # seconds since the epoch; then it stops regardless of open requests
    containers: int


@dataclass(frozen=True)
class EnvironmentStatus:
    """One environment: `current` is the newest good deployment, `latest` the newest of all."""

    environment: Environment
    current: Deployment | None
    latest: Deployment | None
    release: Release | None
    versions: tuple[str, ...]
    services: dict[str, tuple[int, int]]  # of the current release, on all hosts: running, desired
    crashing: tuple[str, ...]  # containers of the current release that the engine keeps restarting
    edge_down: tuple[str, ...]  # stopped containers of the edge: all apps of the engine are unreachable at their ports
    unreachable: tuple[str, ...]  # unreachable hosts, and why
    former_hosts: dict[str, str]  # removed from the plan and not cleaned up, and why
    standby: tuple[Standby, ...]
    draining: tuple[Draining, ...]
    orphans: tuple[str, ...]  # running containers of services that belong to neither these nor a deployment in progress
    accessories: dict[str, str]  # name: state
    lease: Lease | None
    ahead: str | None  # if the schema is newer than the code: the revision that the code was made for
    rehearsal: tuple[float, Rehearsal] | None  # the latest rehearsal from this release, with its time
    waivers: tuple[Waiver, ...]  # waivers of the release's proof, including expired ones
    proof: ProofSummary | None  # the newest proof of the release
    purges: tuple[Purge, ...]  # of the CDN: those that are pending, and newest ones that were given up
    scaled: dict[str, tuple[int, int]]  # services with another number of replicas than the plan's: it, and the plan's
    secrets: tuple[SecretAge, ...]  # of the current deployment, oldest first
    backups: BackupAge | None  # the state of its backups; None if its release has none
    certificates: dict[str, float]  # when those that the edge serves expire (seconds since the epoch), by name
    renewal: str  # why the certificate by DNS could not be renewed; empty: nothing is wrong
    launch: LaunchRecord | None  # the step in which an unfinished launch ended, or is
    waiting: Waiting | None  # the deployment that waits for people or for a time
    hold: Hold | None  # of automatic deployment, since a rollback
    hotfix: str  # why the current release skipped the environment where releases are validated; empty: it didn't


def status(ctx: Context, app: str, environment: Environment) -> EnvironmentStatus:
    """Read one environment."""
    deployments = ctx.ledger.history(app, environment.name)
    current, latest = history.current(deployments), ctx.ledger.latest(app, environment.name)
    release = ctx.ledger.release(app, current.release) if current else None
    where = release.plan.environments.get(environment.name, environment) if release else environment
    observed, crashing, down, unreachable = _everywhere(ctx, app, where, release)
    lease = ctx.ledger.lease(names.scope(app, environment.name))
    lease = lease if is_held(lease, ctx.ledger.now()) else None
    arriving = latest.release if lease and latest and latest.outcome == PENDING else None
    known = {arriving, release.number} if release else {arriving}
    others = [item for item in observed.services if item.active and release_of(item) not in known]
    before = {item.release for item in history.since_last_destroy(deployments) if item.outcome != PENDING}
    keep = history.previous_release(deployments, release.number) if release else None
    warm = [item for item in others if release_of(item) == keep and LABEL_STANDBY in item.labels]
    draining = [
        item
        for item in others
        if item not in warm and release_of(item) in before and (drain_of(item) or LABEL_STANDBY in item.labels)
    ]
    return EnvironmentStatus(
        environment=environment,
        current=current,
        latest=latest,
        release=release,
        versions=tuple(versions(ctx, release)) if release else (),
        services=_services(observed, release, where, current),
        crashing=crashing,
        edge_down=down,
        unreachable=unreachable,
        former_hosts={
            name: why
            for name, why in former_hosts(ctx, app, environment.name).items()
            if name not in {host.name for host in where.hosts}
        },
        standby=_standby(current, warm),
        draining=_draining(deployments, draining, ctx.clock()),
        orphans=tuple(item.name for item in others if item not in warm and item not in draining),
        accessories={item.labels.get(LABEL_NAME, item.name): item.state for item in observed.accessories}
        | {item.name: "external" for item in (release.plan.accessories.values() if release else ()) if item.external},
        lease=lease,
        ahead=own_schema(deployments, release) if release and ahead(deployments, release) else None,
        rehearsal=_rehearsal(ctx, environment.name, release) if release else None,
        waivers=tuple(ctx.ledger.waivers(app, environment.name, release.number)) if release else (),
        proof=_proof(ctx, environment.name, release) if release else None,
        purges=_purges(ctx, app, environment.name),
        scaled=scaled(current, release.plan, where) if current and release else {},
        secrets=_ages(ctx, current) if current else (),
        backups=_backups(ctx, where, current) if current and release else None,
        certificates=expiries(ctx, where) if release else {},
        renewal=problem(ctx.ledger.provisions(app, environment.name, CERTIFICATE, 1)) if where.by_dns else "",
        launch=_launch(ctx, app, environment.name),
        waiting=ctx.ledger.waiting(app, environment.name),
        hold=hold_of(ctx, app, environment.name),
        hotfix=hotfix_of(ctx, app, environment.name, release.number) if release else "",
    )


def _ages(ctx: Context, current: Deployment) -> tuple[SecretAge, ...]:
    """Without the certificate, which has a line of its own."""
    used = {name: version for name, version in current.secrets.items() if name != BUNDLE}
    return ages(ctx.ledger.secret_origins(names.scope(current.app, current.environment)), used)


def _purges(ctx: Context, app: str, environment: str) -> tuple[Purge, ...]:
    """All that are pending, and those that were given up since the newest success."""
    newest = ctx.ledger.purges(app, environment, RECENT)
    given_up = takewhile(lambda item: item.outcome != SUCCEEDED, newest)
    pending = {item.id: item for item in ctx.ledger.pending_purges(app, environment)}
    return tuple({**pending, **{item.id: item for item in given_up if item.outcome == FAILED}}.values())


def _backups(ctx: Context, where: Environment, current: Deployment) -> BackupAge | None:
    settings = where.backups
    if settings is None:
        return None
    from shipway.domain.backups import age
    from shipway.system.cron import times_before

    backups, now = ctx.ledger.backups(current.app, where.name), ctx.ledger.now()
    times = times_before(settings.at, settings.zone, now) if settings.at else iter(())
    found = age(times, backups, settings, current.finished or current.started, now)
    if settings.verify_every is not None:
        from shipway.actions.backups.reverify import rechecked

        found = dataclasses.replace(found, recheck=rechecked(ctx, current.app, where.name).problem)
    if settings.continuous is None:
        return found
    from shipway.actions.backups.archive import archived
    from shipway.domain.backups import Archived

    state = archived(ctx, current.app, where.name) or Archived()
    return dataclasses.replace(found, archived=state, archive_late=state.late(settings.continuous, now))


def _launch(ctx: Context, app: str, environment: str) -> LaunchRecord | None:
    records = ctx.ledger.launch_records(app, environment)
    since = ended(ctx, app, environment) if records else 0.0
    return None if succeeded(records, OPEN, since) else unfinished(records, since)


def _standby(current: Deployment | None, warm: Sequence[ContainerInfo]) -> tuple[Standby, ...]:
    """Standby releases with their end: the standby time begins at the end of the deployment that took over."""
    since = (current.finished or current.started) if current else 0.0
    found: dict[int, list[float]] = {}
    for item in warm:
        found.setdefault(release_of(item) or 0, []).append(float(item.labels[LABEL_STANDBY]))
    return tuple(Standby(number, since + max(times), len(times)) for number, times in sorted(found.items()))


def _rehearsal(ctx: Context, environment: str, release: Release) -> tuple[float, Rehearsal] | None:
    evidence = ctx.ledger.evidence(release.app, release.number)
    if not evidence:
        return None
    from shipway.domain.rehearsal import newest

    return newest(evidence, environment)


def _proof(ctx: Context, environment: str, release: Release) -> ProofSummary | None:
    if not ctx.ledger.evidence(release.app, release.number):
        return None
    from shipway.actions.proofs.recorded import newest

    return newest(ctx, release, environment)


def _draining(deployments: Sequence[Deployment], items: Sequence[ContainerInfo], now: float) -> tuple[Draining, ...]:
    found: dict[int, list[float]] = {}
    for item in items:
        number = release_of(item) or 0
        found.setdefault(number, []).append(ends_at(deployments, item, replaced_at(deployments, number) or 0.0, now))
    return tuple(Draining(number, max(ends), len(ends)) for number, ends in sorted(found.items()))


def _everywhere(
    ctx: Context, app: str, environment: Environment, release: Release | None
) -> tuple[Observed, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What runs on all hosts together; crash-looping containers of the release; containers of the edge that don't run;
    and unreachable hosts, which are excluded."""
    unreachable: list[str] = []
    down: list[str] = []
    crashing: list[str] = []

    def look(host: Host) -> Observed:
        try:
            here = ctx.on(host.name)
            found = observe(here, app, environment.name, routes=False)
            own = [
                item
                for item in found.services
                if item.active and release is not None and release_of(item) == release.number
            ]
            crashing.extend(_crashing(here, own))
            if release is not None:
                down.extend(f"{host.name}: {name}" if len(environment.hosts) > 1 else name for name in here.edge.down())
            return found
        except ShipwayError as error:
            unreachable.append(f"{host.name}: {error.message}")
            return Observed()

    found = side_by_side(look, environment.hosts)
    services = tuple(item for each in found for item in each.services)
    accessories = tuple(item for each in found for item in each.accessories)
    return Observed(services, accessories), tuple(sorted(crashing)), tuple(sorted(down)), tuple(sorted(unreachable))


def _crashing(ctx: Context, items: Sequence[ContainerInfo]) -> list[str]:
    """Names of crash-looping containers, with the number of restarts."""
    seen = [ctx.runtime.find(item.name) for item in items]
    return [
        f"{item.name} (restarted {item.restarts} times)"
        for item in seen
        if item is not None and item.crash_looping(ctx.clock())
    ]


def _services(
    observed: Observed, release: Release | None, environment: Environment, current: Deployment | None
) -> dict[str, tuple[int, int]]:
    if release is None or current is None:
        return {}
    changed, restarts = current.adjustments.replicas, current.adjustments.restarts
    running = [
        name for item in observed.services
        if item.running and release_of(item) == release.number and (name := item.labels.get(LABEL_NAME, ""))
        and int(item.labels.get(LABEL_RESTART, 0)) == restarts.get(name, 0)  # else it drains since a restart
    ]  # fmt: skip
    hosts = 1 if environment.placed else len(environment.hosts)
    return {
        name: (running.count(name), hosts * changed.get(name, planned(release.plan, environment, name) or 0))
        for name in release.plan.services
    }
