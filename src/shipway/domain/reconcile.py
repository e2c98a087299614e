"""Decide: compute the changes from the observed to the desired state. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shipway.domain import names
from shipway.domain.change import Change, Changeset
from shipway.domain.container import LABEL_CONFIG, LABEL_NAME, LABEL_STANDBY, ContainerInfo, ContainerSpec
from shipway.domain.observed import DesiredState, Observed, release_of


def reconcile(desired: DesiredState, observed: Observed) -> Changeset:
    """The changes that lead to the desired release, in the order of application."""
    running = observed.routed_release
    replaces = f", replaces release {running}" if running not in (None, desired.release) else ""
    title = f"{desired.environment}: release {desired.release} ({desired.version}){replaces}"
    return Changeset(title, tuple(_changes(desired, observed)))


def _changes(desired: DesiredState, observed: Observed) -> Iterator[Change]:
    accessories = {container.name: container for container in observed.accessories}
    for spec in desired.accessories:
        yield from _accessory(spec, accessories.get(spec.name), accessories.get(names.replaced(spec.name)))
    for revision in desired.up:
        yield Change("migrate", "database", revision, f"introduced by release {desired.release}")
    services = {container.name: container for container in observed.services}
    missing = [change for spec in desired.services for change in _service(spec, services.get(spec.name), desired)]
    if desired.seed and (missing or desired.up):
        often = "runs once in this environment" if desired.seed_once else "runs with each deployment"
        yield Change("seed", "database", desired.seed, f"{often}; is idempotent")
    yield from missing
    yield from _routes(desired, observed)
    part = {spec.name for spec in desired.services}
    for container in sorted(observed.services, key=lambda item: item.name):
        if container.name not in part:
            yield from _outgoing(container, desired, observed.routed_release)
    for revision in desired.down or ():
        yield Change("revert", "database", revision, f"release {desired.release} was built for an older schema")


def _accessory(spec: ContainerSpec, found: ContainerInfo | None, replaced: ContainerInfo | None) -> Iterator[Change]:
    """replaced: the stopped container that this deployment replaced."""
    same = found is not None and found.labels.get(LABEL_CONFIG) == spec.labels[LABEL_CONFIG]
    if replaced is not None and not same and replaced.labels.get(LABEL_CONFIG) == spec.labels[LABEL_CONFIG]:
        yield Change("restore", "accessory", spec.name, "it was replaced, but its container still exists", spec)
    elif found is None:
        yield Change("create", "accessory", spec.name, "it doesn't exist yet", spec)
    elif not same:
        cause = "its image or settings changed; it stops while it is replaced, its volumes are kept"
        yield Change("replace", "accessory", spec.name, cause, spec, dangerous=True)
    elif not found.running:
        yield Change("start", "accessory", spec.name, f"it doesn't run ({found.state})", spec)
    if same and replaced is not None:
        yield Change("remove", "accessory", replaced.name, f"{spec.name} has replaced it; its volumes are kept")


def _service(spec: ContainerSpec, found: ContainerInfo | None, desired: DesiredState) -> Iterator[Change]:
    if found is None:
        yield Change("create", "container", spec.name, f"part of release {desired.release}", spec)
    elif not found.running:
        yield Change(
            "start", "container", spec.name, f"part of release {desired.release}; it doesn't run ({found.state})", spec
        )


def _routes(desired: DesiredState, observed: Observed) -> Iterator[Change]:
    if desired.routes is None:
        if observed.routes is not None:
            yield Change("remove", "route", desired.environment, "no service has a route anymore")
        return
    if desired.routes == observed.routes:
        return
    before = observed.routed_release
    cause = "first release here" if before is None else f"release {before} → {desired.release}"
    if before == desired.release:
        cause = "its configuration changed"
    yield Change("switch", "route", _where(desired.routes), cause)


def _where(table: Mapping[str, object]) -> str:
    routes = table["routes"]
    assert isinstance(routes, list)
    return ", ".join(f"{' '.join(route.get('hosts', ()))}{route['prefix']} → {route['name']}" for route in routes)


def _outgoing(container: ContainerInfo, desired: DesiredState, routed: int | None) -> Iterator[Change]:
    """Keep the previous release for a rollback, on standby or stopped; remove older containers."""
    release = release_of(container)
    reachable = container.active or names.rotation_network(desired.app, desired.environment) in container.addresses
    if release is None or release != desired.keep:
        yield Change("remove", "container", container.name, _why_removed(container, desired))
    elif reachable and not (container.running and LABEL_STANDBY in container.labels):
        yield Change("stop", "container", container.name, f"belongs to release {release}; kept for a rollback")
    elif reachable and release == routed:
        yield Change("drain", "container", container.name, f"belongs to release {release}; on standby for a rollback")


def _why_removed(container: ContainerInfo, desired: DesiredState) -> str:
    release = release_of(container)
    if release == desired.release:
        return f"{container.labels.get(LABEL_NAME, 'it')} has another configuration now"
    return f"belongs to release {release}"
