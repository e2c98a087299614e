"""Restore an environment's last good release: after a failed deployment, or by the process after one that died. Each
host is restored independently, from its observed state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from shipway.actions.deployments.cluster_back import revert_in_cluster
from shipway.actions.deployments.desired_state import desired_state_of
from shipway.actions.deployments.plan import hosts_of
from shipway.actions.environment.accessories import ensure_networks, forget_replaced, start_accessories
from shipway.actions.environment.away import present, require_expendable
from shipway.actions.environment.observe import observe, settings
from shipway.actions.environment.outgoing import drain_and_stop as end
from shipway.actions.environment.outgoing import drained, enter_rotation, wait_drained
from shipway.actions.environment.unowned import GRACE, accessories_again, serve_again, unowned_containers
from shipway.context import Context
from shipway.domain import names, routes
from shipway.domain.container import (
    LABEL_APP,
    LABEL_ENVIRONMENT,
    LABEL_LEDGER,
    LABEL_MADE_BY,
    LABEL_NAME,
    ContainerInfo,
    ContainerSpec,
)
from shipway.domain.desired import nothing, publish, render_desired
from shipway.domain.draining import QUIET, replaced_at
from shipway.domain.errors import DeployFailed, EngineError
from shipway.domain.observed import DesiredState, Observed, release_of
from shipway.domain.plan import Environment, Host
from shipway.domain.platform import in_cluster
from shipway.domain.reconcile import reconcile
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.steps.health import wait_healthy
from shipway.steps.starting import create_and_start
from shipway.system.parallel import attempt_all, attempt_side_by_side, errors_of, side_by_side

PATIENCE = 2 * QUIET  # seconds in which most requests to a failed release complete; the rest drain in the background


def revert(
    ctx: Context,
    outgoing: Release,
    environment: Environment,
    previous: Deployment | None,
    discard: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Roll back from `outgoing` to the previous deployment; None: to nothing. discard: by host, volumes created by `outgoing`
    that are removed with its accessories; all others stay, and are listed. Raises failures with their hosts when all
    others are done."""
    good = ctx.ledger.release(outgoing.app, previous.release) if previous else None
    if in_cluster(environment.hosts[0].name):
        new = None if discard is None else [volume for volumes in discard.values() for volume in volumes]
        return revert_in_cluster(ctx, outgoing, environment, good, previous, new)
    hosts = hosts_of(ctx, environment, good)

    def one(host: Host) -> None:
        with errors_of(host.name if len(hosts) > 1 else ""):
            volumes = (discard or {}).get(host.name, ())
            try:
                here = ctx.on(host.name)
            except EngineError as error:
                require_expendable(ctx, environment, hosts, {host.name: error})
                return
            _Reverting(here, outgoing, environment, host, good, previous).run(volumes)

    attempt_side_by_side(one, hosts)


def clear_host(ctx: Context, release: Release, environment: Environment, now: Deployment | None, host: Host) -> None:
    """Remove an environment from a former host. Volumes stay; while a release serves elsewhere, accessories stay too.
    release: the one that serves, or the last one that did."""
    _Reverting(ctx.on(host.name), release, environment, host, release if now else None, now).run()


def reachable(ctx: Context, environment: Environment, good: Release | None) -> bool:
    """Whether all of its engines answer, but those that it goes on without. Otherwise the deployment stays pending until
    they do."""
    try:
        hosts = present(ctx, environment, hosts_of(ctx, environment, good))
        side_by_side(lambda host: ctx.on(host.name).runtime.ping(), hosts)
    except EngineError:
        return False
    return True


class _Reverting:
    """The restoration of one host."""

    def __init__(
        self,
        ctx: Context,
        outgoing: Release,
        environment: Environment,
        host: Host,
        good: Release | None,
        previous: Deployment | None,
    ) -> None:
        self.ctx, self.outgoing, self.good, self.environment = ctx, outgoing, good, environment
        self.app, self.name, self.domains = outgoing.app, environment.name, environment.exact_names
        self.owner = names.route_owner(self.app, self.name)
        self.rotation = names.rotation_network(self.app, self.name)
        self.observed: Observed = observe(ctx, self.app, self.name)
        self.desired = self._desired(outgoing, environment, host, good, previous)
        self.changes = reconcile(self.desired, self.observed)
        self.unowned_containers = unowned_containers(ctx, self.app, self.name, self.observed) if good is None else []

    def _desired(
        self, outgoing: Release, environment: Environment, host: Host, good: Release | None, previous: Deployment | None
    ) -> DesiredState:
        if good is None or previous is None:
            return nothing(render_desired(outgoing, environment, settings(self.ctx, outgoing, environment), host=host))
        return desired_state_of(self.ctx, previous, good, good.plan.environments[environment.name], host)

    def run(self, discard: Sequence[str] = ()) -> None:
        """A failure doesn't prevent the rest from being restored."""
        steps: list[Callable[[], object]]
        if self.unowned_containers:
            accessories = partial(accessories_again, self.ctx, self.observed)
            again = partial(
                serve_again, self.ctx, self.outgoing.plan, self.name, self.unowned_containers, self.observed
            )
            steps = [accessories, again, self._clean_up]
        else:
            steps = [self._networks, self._accessories, self._traffic, lambda: self._start(self.desired.workers)]
            steps += [self._empty] if self.good is None else [self._remove_unused]
        attempt_all(*steps, *(partial(self._discard, volume) for volume in discard), self._report_kept_volumes)

    def _discard(self, volume: str) -> None:
        """Remove a volume of the failed release, but not one of services that a stopped container still has."""
        there = self.ctx.runtime.list({LABEL_APP: self.app, LABEL_ENVIRONMENT: self.name})
        if not volume.endswith(names.VOLUME) or all(volume not in item.volumes.values() for item in there):
            self.ctx.runtime.remove_volume(volume)

    def _traffic(self) -> None:
        """Route all requests to the good release if it can be started; then drain the failed one."""
        self._start(self.desired.web)
        if self.desired.routes is None and self.observed.routes is not None:
            self.ctx.edge.remove(self.owner)
        elif self.desired.routes is not None:
            self._enter()
            if self.desired.routes != self.observed.routes:
                with self.ctx.part("switch back", f"release {self.desired.release}"):
                    self.ctx.edge.switch(self.owner, self.desired.routes)
        self._clean_up()

    def _empty(self) -> None:
        """No release was good here before: only the accessories' volumes stay, of databases that are complete."""
        plan = self.outgoing.plan.accessories
        of = [
            (item.name, plan[item.labels[LABEL_NAME]])
            for item in self.observed.accessories
            if item.running and item.labels[LABEL_NAME] in plan
        ]
        checks = [(name, self.ctx.kind(item).health_of(item), self.ctx.kind(item).port_of(item)) for name, item in of]
        with suppress(DeployFailed):  # not needed now; its next start reports what is missing
            wait_healthy(self.ctx, checks)
        attempt_all(
            *(partial(self.ctx.runtime.remove, item.name, volumes=False) for item in self.observed.accessories),
            *(
                partial(self.ctx.runtime.remove_network, network)
                for network in (self.rotation, names.network(self.app, self.name))
            ),
            partial(self.ctx.edge.trim, publish(self.environment)),
        )

    def _added(self) -> list[ContainerInfo]:
        """Accessories of the failed release that the good one lacks."""
        deployments = self.ctx.ledger.history(self.app, self.name)
        if self.good is None or any(
            (item.release, item.outcome) == (self.outgoing.number, SUCCEEDED) for item in deployments
        ):
            return []
        known, mine = {spec.name for spec in self.desired.accessories}, self.ctx.ledger.identity()
        made = (str(self.outgoing.number), mine)
        return [
            item for item in self.observed.accessories
            if item.name.removesuffix(names.replaced("")) not in known and (item.labels.get(LABEL_MADE_BY), item.labels.get(LABEL_LEDGER)) == made
        ]  # fmt: skip

    def _remove_unused(self) -> None:
        """Remove what the good release doesn't use: added accessories, networks of a former host, and ports of the edge
        without routes."""
        added = self._added()

        def remove(item: ContainerInfo) -> None:
            self.ctx.runtime.stop(item.name, GRACE)
            self.ctx.runtime.remove(item.name, volumes=False)
            self.ctx.reporter.note(f"{item.name} was removed, since release {self.outgoing.number} had added it")

        attempt_all(*(partial(remove, item) for item in added))
        # A host without services may still have an edge that leads to those of other hosts, through these networks.
        unused = not self.desired.services and self.desired.routes is None
        if unused and len(added) == len(self.observed.accessories):
            networks = (self.rotation, names.network(self.app, self.name))
            attempt_all(*(partial(self.ctx.runtime.remove_network, network) for network in networks))
        if self.desired.publish != publish(self.environment):
            self.ctx.edge.trim(publish(self.environment))

    def _report_kept_volumes(self) -> None:
        """Report volumes of removed accessories."""
        removed = self.observed.accessories if self.good is None and not self.unowned_containers else self._added()
        stay = [volume for item in removed for volume in item.volumes.values() if self.ctx.runtime.has_volume(volume)]
        if stay:
            remove = f"{self.ctx.runtime.commands.remove_volumes} {' '.join(stay)}"
            remedy = remove if self.good else f"shipway destroy {self.name} --force"
            kept = f"the data of release {self.outgoing.number} is kept in {', '.join(stay)}"
            self.ctx.reporter.note(f"{kept}: its next deployment uses it, and `{remedy}` removes it")

    def _networks(self) -> None:
        """Someone may have removed them while nothing ran."""
        if self.desired.services:
            ensure_networks(self.ctx, self.app, self.name, wide=bool(self.desired.placed))

    def _accessories(self) -> None:
        """Restore the good release's accessories: the replaced ones, and those that the engine left stopped."""
        if self.good is None:
            return
        changes = self.changes.of("accessory", "create", "start", "restore")
        stopped = {item.name for item in self.observed.accessories if not item.running}
        # One that differs from the plan is kept: replacing it is up to a deployment.
        differ = [
            replace(item, verb="start") for item in self.changes.of("accessory", "replace") if item.name in stopped
        ]
        start_accessories(self.ctx, [*changes, *differ], self.good.plan, self.observed.accessories)
        forget_replaced(self.ctx, self.changes.of("accessory", "remove"))

    def _start(self, specs: Sequence[ContainerSpec]) -> None:
        """Start what a rolling deployment stopped, or someone removed."""
        missing = {change.name for change in self.changes.of("container", "create", "start")}
        starting = [spec for spec in specs if spec.name in missing]
        for spec in starting:
            self.ctx.images.pull(spec.image, lambda line: None)
            aliases = () if spec in self.desired.web else (spec.labels[LABEL_NAME],)
            create_and_start(self.ctx, spec, {self.rotation: aliases})
        services = self.good.plan.services if self.good else {}
        of = [(spec.name, services[spec.labels[LABEL_NAME]]) for spec in starting]
        headers = self.good.plan.environments[self.name].forwarded if self.good else {}
        wait_healthy(self.ctx, [(name, service.health, service.port) for name, service in of], headers=headers)

    def _enter(self) -> None:
        """Start the edge, and attach everything that serves."""
        inside = {item.name for item in self.observed.services if self.rotation in item.addresses}
        for spec in self.desired.web:
            enter_rotation(self.ctx, self.rotation, spec, inside=spec.name in inside)
        self.ctx.edge.ensure(self.desired.publish, {self.rotation: self.domains}, self.desired.url)

    def _clean_up(self) -> None:
        """Remove what doesn't belong to the good release, or return it to its previous state."""
        part = {spec.name for spec in self.desired.services} | {item.name for item in self.unowned_containers}
        verbs = {change.name: change.verb for change in self.changes.of("container", "stop", "remove")}
        served = routes.upstreams(self.observed.routes)
        others = [item for item in self.observed.services if item.name not in part]
        deployments = self.ctx.ledger.history(self.app, self.name)
        switched = self.ctx.clock()
        for item in others:
            if item.active and self.rotation in item.addresses:
                self.ctx.runtime.set_aliases(self.rotation, item.name, ())

        def since(item: ContainerInfo) -> float:
            return switched if item.name in served else replaced_at(deployments, release_of(item)) or 0.0

        draining = {
            item.name
            for item in wait_drained(
                self.ctx, [item for item in others if item.name in served], switched, at_most=PATIENCE
            )
        }
        draining |= {
            item.name for item in others if item.name not in served and not drained(self.ctx, item, since(item))
        }
        if not self.desired.services:  # no later process handles this host
            draining = set()

        def leave(item: ContainerInfo) -> None:
            verb, fresh = verbs.get(item.name), release_of(item) == self.outgoing.number and item.name not in served
            if verb == "remove" and fresh:
                self.ctx.runtime.remove(item.name)  # no request ever reached it
            elif verb and (fresh or item.name not in draining):
                end(self.ctx, item, self.app, self.name, remove=verb == "remove")
            elif fresh:
                self.ctx.runtime.disconnect(self.rotation, item.name)
            elif item.name in draining or item.name in served:  # its requests have yet to complete
                self.ctx.retire_later(self.app, self.name)

        side_by_side(leave, others)
