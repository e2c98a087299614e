"""A cluster during a deployment: the stages of a host, of which the cluster does most by itself."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager

from shipway.actions.deployments.cluster_spec import as_deployed, in_cluster_of, with_present_stores
from shipway.actions.deployments.plan import Decision, HostPlan
from shipway.context import Context
from shipway.domain import names
from shipway.domain.cluster import ClusterState
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import Interrupted, UsageError
from shipway.domain.release import ROLLBACK, Deployment
from shipway.domain.workload import EnvironmentSpec
from shipway.steps.health import SETTLED

LOOK = 5.0  # seconds for a look at what was healthy before


class ClusterDeployment:
    """A deployment in a cluster. See `host.HostDeployment`: what isn't said here, the cluster does or nothing needs."""

    name = ""  # the only one of its deployment
    switches = True  # also where no service has a route: other services find a release by its addresses too

    def __init__(self, ctx: Context, decision: Decision, part: HostPlan) -> None:
        self.ctx = ctx.on(part.host.name)
        self.desired, self.observed, self.changeset = part.desired, part.observed, part.changeset
        self.app, self.environment = part.desired.app, part.desired.environment
        self.owner = names.route_owner(self.app, self.environment)
        self.given_up = threading.Event()
        self._order, self._previous = decision.order, decision.previous
        environment = decision.order.environment
        self._own = in_cluster_of(self.ctx, decision.order.release, environment, decision.settings)
        if decision.order.kind == ROLLBACK:
            self._own = with_present_stores(self.ctx, self._own, self.app, self.environment)
        self.cluster, self.spec = self._own.cluster, self._own.spec
        self._before = decision.previous_release
        self._state = there = part.cluster or ClusterState()
        self.new_service_volumes = [
            names.volume(self.app, self.environment, name)
            for name in dict.fromkeys(name for item in self.spec.workloads for name in item.volumes)
            if name not in there.volumes
        ]
        fresh = {item.name for item in self.spec.stores} - {*there.accessories, *there.stored}
        self.new_volumes = [  # that this deployment creates
            volume
            for item, accessory in zip(
                self.desired.accessories, decision.order.release.plan.own_accessories, strict=True
            )
            if accessory in fresh
            for volume in item.volumes
        ]

    def part(self, name: str, detail: str = "") -> AbstractContextManager[None]:
        """A section of the report."""
        return self.ctx.part(name, detail)

    def require_space(self) -> None:
        """The cluster says itself if it has no room."""

    def require_sound_accessories(self, *, force: bool) -> None:
        """UsageError if the cluster can't do what the plan says."""
        lacks = [*self.spec.left_out, *self.cluster.unsaid(self.spec)]
        serious = [line for line in lacks if not line.startswith(("the migrations:", "the tasks of", "the checks "))]
        for line in serious:
            self.ctx.reporter.note(f"not in this cluster: {line}")

    def accessories(self) -> None:
        """Bring secrets, files, claims and accessories, and wait for these."""
        stores = [item.name for item in self.spec.stores]
        with self.part("accessories", ", ".join(stores) or "secrets and settings"):
            self.cluster.prepare(self.spec, self._own.values, force=self._order.force)
            self.cluster.accessories_healthy(self.spec, self._own.timeout, self.ctx.cancelled)

    def pull(self) -> None:
        """The nodes pull by digest."""

    def web(self) -> None:
        """Start all of it beside what serves, and wait until it is healthy."""
        with self.part("start", ", ".join(item.service for item in self.spec.workloads)):
            self.cluster.start(self.spec, force=self._order.force)
            self.cluster.healthy(self.spec, self._own.timeout, self.ctx.cancelled)

    def workers(self) -> None:
        """Started with the rest."""

    def start(self, specs: Sequence[ContainerSpec]) -> None:
        """Replica by replica: never in a cluster."""
        raise UsageError("a cluster doesn't know `strategy: rolling`", hint="remove `strategy` from the environment")

    def attach(self, specs: Sequence[ContainerSpec] | None = None) -> None:
        """Reached through its addresses."""

    def confirm_healthy(self) -> None:
        """Checked by the cluster all the time."""

    def switch_all(self) -> None:
        """Lead all addresses to this release."""
        self.cluster.switch(self.spec, force=self._order.force)

    def sharing(self) -> EnvironmentSpec | None:
        """The release that serves, if a Gateway can lead a share of its requests to this one."""
        now, release, gateway = self._previous, self._before, self.spec.cluster.gateway
        if now is None or release is None or release.number == self.spec.release or not gateway:
            return None
        where = release.plan.environments[self.environment]
        if where.cluster.gateway != gateway or not self._state.serves(release.number):
            self.ctx.reporter.note(f"no canary: release {release.number} is not led by Gateway {gateway} yet")
            return None
        old = as_deployed(self.ctx, release, where, now).spec
        return old if old.addresses and self.spec.addresses else None

    def share(self, old: EnvironmentSpec, share: float) -> None:
        """Lead a share of the public requests to this release. The rest of the cluster still finds the old one."""
        self.cluster.share(old, self.spec, share, force=self._order.force)

    def stay_healthy(self, seconds: float) -> None:
        """Wait while all of it stays healthy. DeployFailed if it doesn't."""
        rest = seconds
        while True:
            self.require_stable()
            if rest <= 0:
                return
            if self.ctx.cancelled.wait(min(LOOK, rest)):
                raise Interrupted(f"interrupted while release {self.spec.release} had a share of the requests")
            rest -= LOOK

    def forget_names(self) -> None:
        """The addresses were switched together."""

    def begin_to_measure(self) -> None:
        """Requests are not counted."""

    def wait_stable(self) -> None:
        """What has no health check must stay up for SETTLED seconds."""
        blind = [item.service for item in self.spec.workloads if not item.health]
        if blind and self._order.kind != ROLLBACK:
            self.ctx.cancelled.wait(SETTLED)
            if self.ctx.cancelled.is_set():
                raise Interrupted(f"interrupted while waiting for {', '.join(blind)} to stay up")
            self.require_stable()

    def require_stable(self) -> None:
        """DeployFailed if it is not healthy now."""
        self.cluster.healthy(self.spec, LOOK, self.ctx.cancelled)

    def stop_begun(self) -> None:
        """Without containers, it holds no lock of the database."""
        self.cluster.rest(self.spec.release, web=False)

    def unroute(self) -> None:
        """The switch has removed the addresses that this release lacks."""

    def forget_replaced(self) -> None:
        """Nothing was kept."""

    def require_trusted_running(self) -> None:
        """All of it was healthy."""

    def limit(self, deployments: Sequence[Deployment]) -> None:
        """The cluster drains."""

    def retire(self, deployments: Sequence[Deployment], *, wait: bool) -> None:
        """Keep the previous release on standby, and remove older ones. A pod ends once its open requests have completed."""
        for number in self.cluster.observe().releases:
            if number == self.desired.release:
                continue
            if number == self.desired.keep:
                self.cluster.rest(number, web=self._order.environment.standby > 0 and not wait)
            else:
                self.cluster.remove(number)

    def has_outgoing(self) -> bool:
        """Whether something is to be stopped later."""
        return any(item.replicas for item in self.cluster.observe().standing if item.release == self.desired.keep)
