"""Decide what a deployment changes in a cluster."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from shipway.domain.change import Change, Changeset
from shipway.domain.cluster import ClusterState, Standing
from shipway.domain.count import counted
from shipway.domain.errors import UsageError
from shipway.domain.observed import DesiredState
from shipway.domain.release import RESTART, ROLLBACK, Release
from shipway.domain.workload import EnvironmentSpec, SecretRef, WorkloadSpec


def changes_in_cluster(
    spec: EnvironmentSpec, desired: DesiredState, state: ClusterState, kind: str, before: Release | None, after: Release,
    changed: Collection[str] = (),
) -> Changeset:  # fmt: skip
    """Those that lead to the release, in the order of application. before: the one that serves. changed: secrets of which that one,
    if it is the same, has other versions."""
    if kind == RESTART and not changed:
        raise UsageError(
            f"{desired.environment} is in a cluster, which restarts containers itself",
            hint="`kubectl rollout restart` restarts those of a Deployment; `shipway deploy` brings another release",
        )
    replaces = f", replaces release {before.number}" if before and before.number != desired.release else ""
    title = f"{desired.environment}: release {desired.release} ({desired.version}){replaces}"
    return Changeset(title, tuple(_changes(spec, desired, state, kind, before, after, changed)))


def _changes(
    spec: EnvironmentSpec, desired: DesiredState, state: ClusterState, kind: str, before: Release | None, after: Release,
    changed: Collection[str],
) -> Iterator[Change]:  # fmt: skip
    if kind != ROLLBACK:
        yield from _accessories(spec, state, before, after)
    for revision in desired.up:
        yield Change("migrate", "database", revision, f"introduced by release {desired.release}")
    missing, there = _missing(spec, state), _of(spec, state)
    if desired.seed and (missing or desired.up):
        often = "runs once in this environment" if desired.seed_once else "runs with each deployment"
        yield Change("seed", "database", desired.seed, f"{often}; is idempotent")
    for item in missing:
        verb = "start" if item.service in there else "create"
        cause = f"{counted(item.replicas, 'replica')}, part of release {desired.release}"
        yield Change(verb, "container", f"{item.service}-r{desired.release}", cause)
    for item in spec.workloads:
        if (names := sorted(_secrets_of(item) & {*changed})) and item not in missing:
            cause = f"{', '.join(names)} changed; its pods are replaced one by one"
            yield Change("replace", "container", f"{item.service}-r{desired.release}", cause)
    led = [item.service for item in spec.workloads if item.port]
    if any(state.serving.get(service) != desired.release for service in led) or (not led and missing):
        cause = f"release {before.number} → {desired.release}" if before else "first release here"
        yield Change("switch", "route", ", ".join(led) or "jobs on a schedule", cause)
    outgoing = before.number if before else None
    for kept in state.standing:
        if kept.replicas and kept.release == outgoing == desired.keep:
            stays = spec.standby > 0 and kept.service in state.serving
            verb, why = ("drain", "on standby for a rollback") if stays else ("stop", "kept for a rollback")
            yield Change(verb, "container", f"{kept.service}-r{outgoing}", f"belongs to release {outgoing}; {why}")
    for number in state.releases:
        if number not in (desired.release, desired.keep):
            yield Change("remove", "container", f"release {number}", "it is neither this release nor the one before")
    for revision in desired.down or ():
        yield Change("revert", "database", revision, f"release {desired.release} was built for an older schema")


def is_whole(spec: EnvironmentSpec, state: ClusterState) -> bool:
    """Whether a release serves, and nothing of it is missing. Somebody else may have given it more replicas."""
    return not [*differences_in_cluster(spec, state, state.releases)]


def differences_in_cluster(
    spec: EnvironmentSpec, state: ClusterState, needed: Collection[int | None]
) -> Iterator[tuple[str, str, str]]:
    """What lacks for a release to serve whole, and what is there of a release that isn't needed: its name, the problem, and the
    remedy."""
    for store in spec.stores:
        if store.name not in state.accessories:
            yield store.name, "is missing", "create it with its existing volume"
    there = _of(spec, state)
    for item in spec.workloads:
        found = there.get(item.service)
        if found is None:
            yield f"{item.service}-r{spec.release}", "is missing", "create it"
        elif found.ready < item.replicas:
            told = f"has {found.ready} of {counted(item.replicas, 'replica')} ready"
            yield f"{item.service}-r{spec.release}", told, "start it, and wait for it"
    led = {item.service: spec.release for item in spec.workloads if item.port}
    if elsewhere := sorted(name for name in {*led, *state.serving} if led.get(name) != state.serving.get(name)):
        yield ", ".join(elsewhere), "requests are led elsewhere", "switch the routes"
    for number in state.sharing:
        yield f"release {number}", "has a share of the requests", "switch the routes"
    for number in state.releases:
        if number not in (spec.release, *needed):
            yield f"release {number}", "belongs to no needed release", "remove it"


def _of(spec: EnvironmentSpec, state: ClusterState) -> dict[str, Standing]:
    return {item.service: item for item in state.standing if item.release == spec.release}


def _secrets_of(item: WorkloadSpec) -> set[str]:
    parts = [part for value in item.variables.values() for part in value]
    return {part.name for part in (*parts, *item.secret_files.values()) if isinstance(part, SecretRef)}


def _missing(spec: EnvironmentSpec, state: ClusterState) -> list[WorkloadSpec]:
    """Services of the release that don't stand with all of their replicas."""
    there = _of(spec, state)
    return [
        item for item in spec.workloads
        if item.service not in there or there[item.service].replicas != item.replicas or there[item.service].ready < item.replicas
    ]  # fmt: skip


def _accessories(
    spec: EnvironmentSpec, state: ClusterState, before: Release | None, after: Release
) -> Iterator[Change]:
    was = before.plan.own_accessories if before else {}
    for store in spec.stores:
        if store.name not in state.accessories:
            yield Change("create", "accessory", store.name, "it doesn't exist yet")
        elif store.name in was and was[store.name] != after.plan.own_accessories[store.name]:
            cause = "its image or settings changed; it stops while it is replaced, its volume is kept"
            yield Change("replace", "accessory", store.name, cause, dangerous=True)
