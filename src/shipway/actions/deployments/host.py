"""One host during a deployment: each method is one stage, and does what remains of it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from shipway.actions.deployments.assets import share_assets
from shipway.actions.deployments.plan import Decision, HostPlan
from shipway.actions.deployments.verified import require_same
from shipway.actions.environment.accessories import STARTING, ensure_networks, forget_replaced, start_accessories
from shipway.actions.environment.accessory_rules import require_sound
from shipway.actions.environment.disk_space import require_space, space_needed
from shipway.actions.environment.maintenance import page_of
from shipway.actions.environment.outgoing import drain_and_stop, drained, enter_rotation, standby_fits, wait_drained
from shipway.actions.environment.service_volumes import new_volumes
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.change import Change
from shipway.domain.container import LABEL_NAME, LABEL_STANDBY, ContainerInfo, ContainerSpec
from shipway.domain.count import counted
from shipway.domain.draining import MOST, oldest, port_of, replaced_at
from shipway.domain.errors import DiskFull, Interrupted
from shipway.domain.observed import on_standby, release_of
from shipway.domain.plan import Health, Service
from shipway.domain.release import ROLLBACK, Deployment
from shipway.domain.routes import with_hosts_of
from shipway.steps.health import SETTLED, require_running, start_in_turn, wait_healthy
from shipway.steps.starting import create, start
from shipway.system.durations import human
from shipway.system.parallel import in_background, side_by_side

if TYPE_CHECKING:
    from concurrent.futures import Future

PROCESSORS = 2  # processors of a host for each container that starts while requests are served
SETTLE = 0.1  # seconds between the start of containers and the switch of requests to them


class HostDeployment:
    """A host deployment. host: its name; empty if it is the only one."""

    def __init__(self, ctx: Context, decision: Decision, part: HostPlan) -> None:
        self.ctx = ctx.on(part.host.name)
        self.desired, self.observed, self.changeset = part.desired, part.observed, part.changeset
        self.name = part.host.name if len(decision.parts) > 1 else ""
        self.plan = decision.order.release.plan
        self.app, self.environment = part.desired.app, part.desired.environment
        self.owner = names.route_owner(self.app, self.environment)
        self.rotation = names.rotation_network(self.app, self.environment)
        self.new_volumes: list[str] = []  # that this deployment created
        self.new_service_volumes: list[str] = []
        self._is_rollback = decision.order.kind == ROLLBACK  # it ran before
        self._verified = decision.order.verified
        self._domains = decision.order.environment.exact_names
        self._previous_release = decision.previous_release
        self._previous = decision.previous.release if decision.previous else None
        self._page = decision.order.page or page_of(ctx, self.app, self.environment)
        self._headers = decision.order.environment.forwarded
        self._started_at: dict[str, float] = {}  # start time of containers
        self._low = {spec.name for spec in self.desired.services}  # of low priority, perhaps of a dead process
        self._switched: float | None = None  # time of the last switch of routes
        self._stopped = set[str]()  # stopped by this deployment
        self.given_up = threading.Event()  # the deployment has failed, perhaps on another host
        self._fits: Future[tuple[bool, str]] | None = None  # whether what is replaced may stay on standby
        self._inside = {item.name for item in self.observed.services if self.rotation in item.addresses}

    def part(self, name: str, detail: str = "") -> AbstractContextManager[None]:
        """A section of the report."""
        return self.ctx.part(name, f"{self.name}: {detail}" if self.name else detail)

    # prepare

    def accessories(self) -> None:
        """Create networks, and what the services use."""
        if self.desired.services:
            ensure_networks(self.ctx, self.app, self.environment, wide=bool(self.desired.placed))
            self.new_service_volumes += new_volumes(self.ctx, self.desired.services)
        changes = self.changeset.of("accessory", *STARTING)
        if changes:
            with self.part("accessories", ", ".join(change.name for change in changes)):
                start_accessories(self.ctx, changes, self.plan, self.observed.accessories, self.new_volumes)

    def require_sound_accessories(self, *, force: bool) -> None:
        """UsageError if an accessory to create or replace would lose its data, or not start on it."""
        changes = self.changeset.of("accessory", "create", "replace")
        require_sound(self.ctx, self.plan, self.environment, changes, self.observed.accessories, force=force)

    def forget_replaced(self) -> None:
        """Remove the replaced accessories, now that no rollback needs them."""
        forget_replaced(self.ctx, self.changeset.of("accessory", "replace", "remove"))

    def require_space(self) -> None:
        """DiskFull if the missing images would not fit."""
        require_space(self.ctx, space_needed(self.ctx, self.plan, self._missing()))

    def _missing(self) -> list[str]:
        images = {change.spec.image for change in self.created() if change.spec} | set(self.desired.placed)
        return sorted(image for image in images if self.ctx.images.inspect(image) is None)

    def pull(self) -> None:
        """Pull the images of containers that are created or started."""
        missing = self._missing()
        if missing:
            with self.part("pull", ", ".join(image.rpartition("/")[2][:40] for image in missing)):
                self.ctx.registry(self.plan).ensure()
                for image in missing:
                    self.ctx.images.pull(image, lambda line: self.ctx.reporter.line("pull", line))
        require_same(self.ctx, self._verified, self.created())

    # start

    def web(self) -> None:
        """Start all web services and wait until they are healthy; those on standby must still be."""
        self.start(self.desired.web)
        new = self._starting(self.desired.web)
        self._wait([spec for spec in self.desired.web if spec not in new])

    def confirm_healthy(self) -> None:
        """Check that started containers are still healthy a moment later. Meanwhile the machine recovers."""
        new = self._starting(self.desired.web)
        if new and self.observed.routes is not None:
            self._prioritize()  # now, and not at the moment of the switch
            self.ctx.cancelled.wait(SETTLE)
            self._wait(new)

    def workers(self) -> None:
        """Start all other services."""
        self.start(self.desired.workers)

    def start(self, specs: Sequence[ContainerSpec]) -> None:
        """Start those that don't run yet, and wait until they are healthy."""
        starting = self._starting(specs)
        if not starting:
            return

        services = list(dict.fromkeys(spec.labels[LABEL_NAME] for spec in starting))
        with self.part("start", ", ".join(services)):
            shared = [self.plan.services[name] for name in services if self.plan.services[name].assets]
            side_by_side(self._create, starting, most=self.ctx.parallel)
            side_by_side(partial(self._share, starting), shared)
            if self._beside_traffic:
                self._start_in_turn(starting)
                starting = [spec for spec in starting if not self._health(spec)[0]]
            else:
                side_by_side(self._start, starting, most=self.ctx.parallel)
            self._wait([spec for spec in starting if spec not in self._trusted()])

    def _starting(self, specs: Sequence[ContainerSpec]) -> list[ContainerSpec]:
        names = {change.name for change in self.created()}
        return [spec for spec in specs if spec.name in names]

    def _create(self, spec: ContainerSpec) -> None:
        """It finds the serving services by name, but gets no name itself before it takes requests, unless no other has it."""
        waits = self._has_peers and spec in self.desired.web and any(item.active for item in self.observed.services)
        aliases = () if waits else (spec.labels[LABEL_NAME],)
        create(self.ctx, dataclasses.replace(spec, low_priority=self._beside_traffic), {self.rotation: aliases})
        self._inside.add(spec.name)
        self._low.add(spec.name)

    def _start(self, spec: ContainerSpec) -> None:
        if self._is_rollback:  # it may be of a deployment that failed before it served
            self.ctx.runtime.prioritize(spec.name)
        start(self.ctx, spec)
        self._started_at[spec.name] = self.ctx.clock()

    def _start_in_turn(self, specs: Sequence[ContainerSpec]) -> None:
        """With few processors, requests would pay for a parallel start. Several nodes have so many each."""
        at_once = min(max(1, self.ctx.runtime.processors() // PROCESSORS), self.ctx.parallel)
        at_once *= max((1, *(len(spec.nodes) for spec in specs)))
        starts = [(partial(self._start, spec), (spec.name, *self._health(spec))) for spec in specs]
        start_in_turn(self.ctx, starts, at_once, headers=self._headers, stop=self.given_up)

    @property
    def _has_peers(self) -> bool:
        """Whether services may call each other: the names of a single one needn't move with the requests."""
        previous = self._previous_release.plan.services if self._previous_release else ()
        return max(len(self.plan.services), len(previous)) > 1

    @property
    def _beside_traffic(self) -> bool:
        """Whether a start must leave the processor to the serving release, until the switch. A rollback is urgent."""
        return not self._is_rollback and self.desired.routes is not None and self.observed.routes is not None

    def _prioritize(self) -> None:
        """Give started containers their full share of the processor."""
        if self._beside_traffic:
            side_by_side(self.ctx.runtime.prioritize, sorted(self._low))
            self._low.clear()

    def _enter(self, spec: ContainerSpec) -> None:
        enter_rotation(self.ctx, self.rotation, spec, inside=spec.name in self._inside)
        self._inside.add(spec.name)

    def _share(self, starting: Sequence[ContainerSpec], service: Service) -> None:
        """Share assets with the previous release."""
        new = [spec for spec in starting if spec.labels[LABEL_NAME] == service.name]
        own = [item for item in self.observed.services if item.labels.get(LABEL_NAME) == service.name]
        old = [item for item in own if release_of(item) == self.observed.routed_release]
        if old and self._previous_release:
            names_of = ([spec.name for spec in new], [item.name for item in old])
            try:
                share_assets(
                    self.ctx, service, *names_of, new[0].image, self._previous_release.images.get(service.name, "")
                )
            except (DiskFull, OSError) as error:
                if not self._is_rollback:
                    raise
                self.ctx.reporter.note(f"{service.name} is rolled back without the other release's assets: {error}")

    def _wait(self, specs: Sequence[ContainerSpec]) -> None:
        waiting = [(spec.name, *self._health(spec)) for spec in specs]
        wait_healthy(self.ctx, waiting, headers=self._headers, stop=self.given_up)

    def _health(self, spec: ContainerSpec) -> tuple[Health | None, int | None]:
        service = self.plan.services[spec.labels[LABEL_NAME]]
        return service.health, service.port

    def _trusted(self) -> list[ContainerSpec]:
        """What a rollback restarts without a health check: it ran before, and is checked at the end."""
        if not self._is_rollback:
            return []
        kept = {change.name for change in self.changeset.of("container", "start")}
        return [spec for spec in self.desired.services if spec.name in kept and not self._health(spec)[0]]

    def require_trusted_running(self) -> None:
        """DeployFailed if a trusted container doesn't run."""
        require_running(self.ctx, [spec.name for spec in self._trusted()])

    def wait_stable(self) -> None:
        """Containers without a health check must stay up for SETTLED seconds without a restart."""
        blind = [
            spec.name for spec in self.desired.services if spec.name in self._started_at and not self._health(spec)[0]
        ]
        if self._is_rollback or not blind:
            return
        until = max(self._started_at[name] for name in blind) + SETTLED
        while (remaining := until - self.ctx.clock()) > 0:
            self.ctx.cancelled.wait(remaining)
            if self.ctx.cancelled.is_set():
                raise Interrupted(f"interrupted while waiting for {', '.join(blind)} to stay up")
        self.require_stable()

    def stop_begun(self) -> None:
        """Stop what was started and gets no requests."""
        side_by_side(
            lambda spec: self.ctx.runtime.stop(spec.name, spec.stop_grace),
            [spec for spec in self.desired.services if spec.name in self._started_at],
        )

    def require_stable(self) -> None:
        """DeployFailed if a container of the started release has ended, or is crash-looping."""
        require_running(self.ctx, list(self._started_at))

    # switch

    def attach(self, specs: Sequence[ContainerSpec] | None = None) -> None:
        """Attach these, or all web services, to the edge."""
        side_by_side(self._enter, self.desired.web if specs is None else specs)
        if self.desired.routes is not None:
            self.ctx.edge.ensure(self.desired.publish, {self.rotation: self._domains}, self.desired.url)

    def switch_all(self) -> None:
        """Route all requests to the target release."""
        self.switch(self.desired.routes)

    def forget_names(self) -> None:
        """Let other services find only the serving release."""
        side_by_side(self._forget_name, self._outgoing())

    def _forget_name(self, item: ContainerInfo) -> None:
        """Remove its name for other services; open connections stay. Workers are skipped: no service calls them, and
        they stop next."""
        if self._has_peers and port_of(item) is not None:
            self.ctx.runtime.set_aliases(self.rotation, item.name, ())

    def switch(self, table: Mapping[str, object] | None) -> None:
        """Route all requests by this table."""
        if table is not None:
            self._prioritize()
            url: Mapping[str, Any] = table["url"]  # type: ignore[assignment]
            before = self.observed.routes
            both = with_hosts_of(url, before["url"]) if before else url  # type: ignore[arg-type]
            if self._page is not None:
                self.ctx.edge.maintain(self.owner, both, self._page, table.get("access"))  # type: ignore[arg-type]
            self.ctx.edge.switch(self.owner, table)
            self._switched = self.ctx.clock()
            if self._page is not None and both != url:
                self.ctx.edge.maintain(self.owner, url, self._page)

    # after success

    def unroute(self) -> None:
        """Remove all public routes."""
        if self.desired.routes is None and self.observed.routes is not None:
            self.ctx.edge.remove(self.owner)

    def retire(self, deployments: Sequence[Deployment], *, wait: bool) -> None:
        """Stop what was replaced, or keep it for a rollback. wait: until its open requests have completed, for a schema
        that is reverted next, or a host that isn't visited again. Otherwise `retire_later` stops those with open
        requests and removes those formerly on standby: a removal slows requests, and is not urgent."""
        verbs = {change.name: change.verb for change in self.changeset.of("container", "stop", "remove")}
        verbs |= self._without_standby()
        stopped = {name for name in self._stopped if verbs.get(name) == "stop"}
        stopping = [item for item in self.observed.services if item.name in verbs and item.name not in stopped]
        if wait:
            wait_drained(self.ctx, self._outgoing(), self._switched_at())
        else:
            idle = self._was_on_standby(deployments)
            stopping = [
                item
                for item in stopping
                if item.name not in idle and drained(self.ctx, item, self._since(deployments, item))
            ]
        if stopping:
            with self.part("retire", counted(len(stopping), "container")):
                side_by_side(lambda item: self.stop(item, remove=verbs[item.name] == "remove"), stopping)

    def _was_on_standby(self, deployments: Sequence[Deployment]) -> set[str]:
        """Containers that a rollback would have used until now. Empty without a background process."""
        if self._previous is None or not self.ctx.background:
            return set()
        target, now = history.previous_release(deployments, self._previous), self.ctx.clock()
        standby = [item for item in on_standby(self.observed) if release_of(item) == target]
        return {
            item.name for item in standby if now < self._since(deployments, item) + float(item.labels[LABEL_STANDBY])
        }

    def limit(self, deployments: Sequence[Deployment]) -> None:
        """Let at most two outgoing releases drain at once: beyond that the oldest ones stop now."""
        draining = [item for item in self._outgoing() if not drained(self.ctx, item, self._since(deployments, item))]
        since = {release_of(item) or 0: self._since(deployments, item) for item in draining}
        for number in oldest(since):
            self.ctx.reporter.note(
                f"release {number} is stopped before it is drained: at most {MOST} outgoing releases drain at once"
            )
            side_by_side(
                lambda item: self.stop(item, remove=True), [item for item in draining if release_of(item) == number]
            )

    def stop(self, container: ContainerInfo, *, remove: bool = False) -> None:
        """Let it finish its work, and stop it."""
        self._stopped.add(container.name)
        drain_and_stop(self.ctx, container, self.app, self.environment, remove=remove)

    def drain(self, containers: Sequence[ContainerInfo]) -> None:
        """Wait until the containers just taken out of rotation have no open requests, and stop them."""
        side_by_side(self._forget_name, containers)
        wait_drained(self.ctx, containers, self._switched_at())
        side_by_side(self.stop, containers)

    def has_outgoing(self) -> bool:
        """Whether a remaining container ends later."""
        return bool(self._outgoing())

    def _without_standby(self) -> dict[str, str]:
        """Containers to stop that would stay on standby if there were enough memory."""
        standby = self._kept_running()
        if not standby:
            return {}
        fits, why = self._fits.result() if self._fits else standby_fits(self.ctx, standby)
        stays = (
            f"stays on standby for {human(float(standby[0].labels[LABEL_STANDBY]))}"
            if fits
            else "doesn't stay on standby"
        )
        self.ctx.reporter.note(f"release {release_of(standby[0])} {stays}: {why}")
        return {} if fits else {item.name: "stop" for item in standby}

    def _kept_running(self) -> list[ContainerInfo]:
        return [
            item
            for item in self._outgoing()
            if item.running and LABEL_STANDBY in item.labels and release_of(item) == self.desired.keep
        ]

    def begin_to_measure(self) -> None:
        """Measure what stays on standby while the checks run: some engines take a second for each container."""
        if standby := self._kept_running():
            self._fits = in_background(standby_fits, self.ctx, standby)

    def _outgoing(self) -> list[ContainerInfo]:
        """What still runs and isn't part of the release."""
        part = {spec.name for spec in self.desired.services} | self._stopped
        return [item for item in self.observed.services if item.active and item.name not in part]

    def _since(self, deployments: Sequence[Deployment], item: ContainerInfo) -> float:
        found = replaced_at(deployments, release_of(item))
        return self._switched_at() if found is None else found

    def _switched_at(self) -> float:
        return self.ctx.clock() if self._switched is None else self._switched

    def created(self) -> tuple[Change, ...]:
        """The changes that create or start something here."""
        return self.changeset.of("container", "create", "start")
