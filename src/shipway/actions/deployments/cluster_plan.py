"""Decide what a deployment changes in a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.domain.change import Change, Changeset
from shipway.domain.cluster import ClusterState, Standing
from shipway.domain.count import counted
from shipway.domain.errors import UsageError
from shipway.domain.observed import DesiredState
from shipway.domain.release import RESTART, ROLLBACK, Release
from shipway.domain.workload import EnvironmentSpec, WorkloadSpec


def changes_in_cluster(
    spec: EnvironmentSpec, desired: DesiredState, state: ClusterState, kind: str, before: Release | None, after: Release
) -> Changeset:
    """Those that lead to the release, in the order of application. before: the one that serves."""
    if kind == RESTART:
        raise UsageError(
            f"{desired.environment} is in a cluster, which restarts containers itself",
            hint="`kubectl rollout restart` restarts those of a Deployment; `shipway deploy` brings another release",
        )
    replaces = f", replaces release {before.number}" if before and before.number != desired.release else ""
    title = f"{desired.environment}: release {desired.release} ({desired.version}){replaces}"
    return Changeset(title, tuple(_changes(spec, desired, state, kind, before, after)))


def _changes(
    spec: EnvironmentSpec, desired: DesiredState, state: ClusterState, kind: str, before: Release | None, after: Release
) -> Iterator[Change]:
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
    led = [item.service for item in spec.workloads if item.port]
    if any(state.serving.get(service) != desired.release for service in led) or (not led and missing):
        cause = f"release {before.number} → {desired.release}" if before else "first release here"
        yield Change("switch", "route", ", ".join(led) or "jobs on a schedule", cause)
    outgoing = before.number if before else None
    for stopped in state.standing:
        if stopped.replicas and stopped.release == outgoing == desired.keep:
            cause = f"belongs to release {outgoing}; kept for a rollback"
            yield Change("stop", "container", f"{stopped.service}-r{outgoing}", cause)
    for number in state.releases:
        if number not in (desired.release, desired.keep):
            yield Change("remove", "container", f"release {number}", "it is neither this release nor the one before")
    for revision in desired.down or ():
        yield Change("revert", "database", revision, f"release {desired.release} was built for an older schema")


def is_whole(spec: EnvironmentSpec, state: ClusterState) -> bool:
    """Whether a release serves, and nothing of it is missing."""
    led = {item.service: spec.release for item in spec.workloads if item.port}
    stores = {item.name for item in spec.stores}
    return state.serving == led and stores <= set(state.accessories) and not _missing(spec, state)


def _of(spec: EnvironmentSpec, state: ClusterState) -> dict[str, Standing]:
    return {item.service: item for item in state.standing if item.release == spec.release}


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
