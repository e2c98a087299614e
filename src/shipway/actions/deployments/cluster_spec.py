"""A release in an environment, as a cluster gets it, with the values of its secrets."""

from __future__ import annotations

import dataclasses

from shipway.actions.environment.observe import settings, version_of
from shipway.context import Context
from shipway.domain import history
from shipway.domain.desired import Settings
from shipway.domain.plan import Environment
from shipway.domain.release import DEPLOY, Deployment, Release
from shipway.domain.value import dataclass
from shipway.domain.workload import EnvironmentSpec, SecretRef, environment_spec, while_it_runs
from shipway.ports import Cluster

PASSWORD = "accessory:"  # begins the name of a secret that is the generated password of an accessory
HEALTHY = 300.0  # seconds beyond its own limit that a service has, for a place on a node and its image


@dataclass(frozen=True)
class InCluster:
    """A release with the cluster that it is for."""

    cluster: Cluster
    spec: EnvironmentSpec
    values: dict[SecretRef, str]

    @property
    def timeout(self) -> float:
        """Seconds until all of it must be healthy."""
        limits = [item.health.timeout for item in self.spec.workloads if item.health]
        return max([*limits, *(item.health.timeout for item in self.spec.stores)], default=0.0) + HEALTHY

    def with_stores_of(self, other: InCluster) -> InCluster:
        """With the accessories of another release: a rollback leaves the newer ones as they are."""
        spec = dataclasses.replace(self.spec, stores=other.spec.stores)
        needed = {*self.spec.secrets, *other.spec.secrets}
        spec = dataclasses.replace(spec, secrets=tuple(sorted(needed, key=lambda ref: (ref.name, ref.version))))
        return InCluster(self.cluster, spec, {**other.values, **self.values})


def in_cluster_of(ctx: Context, release: Release, environment: Environment, own: Settings) -> InCluster:
    """With these settings."""
    spec = while_it_runs(environment_spec(
        release, environment, own.version or version_of(ctx, release, environment), ctx.kinds, own.versions,
        adjustments=own.adjustments, ledger=ctx.ledger.identity(),
    ))  # fmt: skip
    values = {
        ref: own.passwords[ref.name.removeprefix(PASSWORD)] if ref.name.startswith(PASSWORD) else own.secrets[ref.name]
        for ref in spec.secrets
    }
    return InCluster(ctx.cluster(release.app, environment.name, environment.cluster), spec, values)


def as_deployed(ctx: Context, release: Release, environment: Environment, deployment: Deployment) -> InCluster:
    """As a deployment brought it."""
    return in_cluster_of(ctx, release, environment, settings(ctx, release, environment, like=deployment))


def with_present_stores(ctx: Context, own: InCluster, app: str, environment: str) -> InCluster:
    """With the accessories that are there: those of the last deployment, since a rollback leaves them as they are."""
    brought = next((item for item in history.good(ctx.ledger.history(app, environment)) if item.kind == DEPLOY), None)
    release = ctx.ledger.release(app, brought.release) if brought else None
    if brought is None or release is None:
        return own
    return own.with_stores_of(as_deployed(ctx, release, release.plan.environments[environment], brought))
