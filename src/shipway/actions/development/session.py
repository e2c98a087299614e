"""One checkout with all that its parts need: its plan for this machine, its working tree, its settings and its images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from shipway.actions.development import checkouts
from shipway.actions.development.images import image_of, inside, tree_of
from shipway.actions.development.variables import ensure_secrets, given_variables
from shipway.actions.environment.accessories import STARTING, ensure_networks, forget_replaced, start_accessories
from shipway.actions.environment.observe import observe, settings
from shipway.actions.runs.config_files import config_files
from shipway.actions.runs.scheduler import NOISE
from shipway.context import Context
from shipway.domain import names, routes
from shipway.domain.container import LABEL_NAME, ContainerInfo, ContainerSpec
from shipway.domain.desired import Settings, render_desired
from shipway.domain.development import Checkout, Development, development
from shipway.domain.errors import EdgeError, OtherLedger, PlanError
from shipway.domain.observed import DesiredState, Observed
from shipway.domain.plan import Plan
from shipway.domain.reconcile import reconcile
from shipway.domain.release import Release
from shipway.steps.run import Run
from shipway.system.git import Repository
from shipway.system.listening import listener, next_free
from shipway.system.parallel import side_by_side

GRACE = 5.0  # seconds from SIGTERM to SIGKILL, at most: a developer waits
VERSION = "working-tree"


class Session:
    """Of one call of a command. plan: as the developer wrote it."""

    def __init__(
        self, ctx: Context, state: checkouts.State, plan: Plan, repository: Repository, only: Sequence[str] = ()
    ) -> None:
        self.ctx, self.state, self.written, self.repository = ctx, state, plan, repository
        self.root = Path(state.checkout.root)
        self.given = given_variables(self.root, state.checkout.plan)
        self.own: Development = development(
            plan, state.checkout, self.given, only, linked=(self.root / ".git").is_file()
        )
        self.images: dict[str, str] = {}
        self._run: Run | None = None
        self._settings: tuple[Release, Settings] | None = None

    @property
    def checkout(self) -> Checkout:
        """Its names."""
        return self.state.checkout

    @property
    def plan(self) -> Plan:
        """As it runs here."""
        return self.own.plan

    @property
    def run(self) -> Run:
        """The working tree, as it was when it was last read."""
        if self._run is None:
            self._run = tree_of(self.ctx, self.repository, self.plan)
        return self._run

    def read_again(self) -> None:
        """Take what changed in the working tree from now on."""
        self._run = self._settings = None

    def remember(self, **changes: str) -> None:
        """Keep something of the state for the next call."""
        self.state = dataclasses.replace(self.state, **changes)  # type: ignore[arg-type]
        checkouts.save(self.ctx.home, self.state)

    def prepare(self) -> None:
        """What every part needs first: an engine, folders that are in the checkout, and secrets."""
        self.ctx.runtime.ping()
        for service in self.plan.services.values():
            for folder in service.develop.laid if service.develop else ():
                if not inside(self.root, folder):
                    raise PlanError(
                        f"`develop` of {service.name} names {folder}, which is a link to a folder outside of the checkout",
                        hint="name a folder of the repository",
                    )
        try:
            ensure_secrets(self.ctx, self.own, self.given)
        except OtherLedger as error:
            raise self._foreign() from error

    def build(self, services: Sequence[str]) -> None:
        """The images of these services, and of the one that migrates."""
        database = self.plan.database
        wanted = dict.fromkeys((*services, *([database.service] if database else ()), *self._seeding()))
        for name in wanted:
            image = image_of(self.run, name, partial(self._show_build, f"build {name}"))
            if self.images.get(name) != image:
                self.images[name] = image
                self._settings = None

    def _show_build(self, name: str, line: str) -> None:
        if not NOISE.match(line):
            self.ctx.reporter.line(name, line)

    def _seeding(self) -> tuple[str, ...]:
        seed = self.own.environment.seed
        return (seed.service,) if seed else ()

    def release(self) -> tuple[Release, Settings]:
        """The working tree as a release that no ledger has, and its settings."""
        if self._settings is None:
            run, images = self.run, {**dict.fromkeys(self.plan.services, ""), **self.images}
            files = config_files(self.repository, run.commit.revision, self.plan)
            release = Release(
                0, self.plan.app, run.commit.revision, run.commit.tree, (), run.commit.subject, images, self.plan, 0,
                self.ctx.clock(), files=files,
            )  # fmt: skip
            try:
                own = settings(self.ctx, release, self.own.environment, version=VERSION)
            except OtherLedger as error:
                raise self._foreign() from error
            self._settings = (release, own)
        return self._settings

    def desired(self) -> DesiredState:
        """What should run."""
        release, own = self.release()
        found = render_desired(release, self.own.environment, own)
        accessories = tuple(dataclasses.replace(item, restart=False) for item in found.accessories)
        web, workers = (tuple(map(self._developed, items)) for items in (found.web, found.workers))
        return dataclasses.replace(found, accessories=accessories, web=web, workers=workers, routes=self._routes(found))

    def _developed(self, spec: ContainerSpec) -> ContainerSpec:
        """A fixed name, by which the edge finds it again, and no restart by the engine."""
        name = spec.labels[LABEL_NAME]
        own = self.plan.services[name].develop
        network, rotation = (
            make(self.plan.app, self.checkout.environment) for make in (names.network, names.rotation_network)
        )
        return dataclasses.replace(
            spec, name=container_of(self.checkout, name), restart=False, networks={network: (), rotation: (name,)},
            stop_grace=min(spec.stop_grace, GRACE), init=bool(own and own.run),
        )  # fmt: skip

    def _routes(self, found: DesiredState) -> Mapping[str, object] | None:
        if found.routes is None:
            return None
        upstreams = {
            name: [f"{service.routing.protocol}://{container_of(self.checkout, name)}:{service.port}"]
            for name, service in self.plan.services.items()
            if name in self.own.services
        }
        return routes.redirected(found.routes, found.release, upstreams)

    def start_accessories(self) -> None:
        """Start those that don't run, and wait until all are healthy. Their volumes are the checkout's own."""
        app, environment = self.plan.app, self.checkout.environment
        ensure_networks(self.ctx, app, environment)
        there = observe(self.ctx, app, environment, routes=False).accessories
        wanted = DesiredState(app, environment, 0, VERSION, self.desired().accessories, (), (), None, ())
        changes = reconcile(wanted, Observed(accessories=there)).changes
        start_accessories(self.ctx, [item for item in changes if item.verb in STARTING], self.plan, there)
        forget_replaced(self.ctx, changes)

    def services(self) -> list[ContainerInfo]:
        """The containers of services that exist, also those that a killed process left."""
        return list(observe(self.ctx, self.plan.app, self.checkout.environment, routes=False).services)

    def stop_services(self, *, remove: bool = False) -> None:
        """Stop all of them; they stay, for their logs."""

        def end(item: ContainerInfo) -> None:
            if item.active:
                self.ctx.runtime.stop(item.name, GRACE)
            if remove:
                self.ctx.runtime.remove(item.name)

        side_by_side(end, self.services())

    @property
    def owner(self) -> str:
        """Owner of its routes."""
        return names.route_owner(self.plan.app, self.checkout.environment)

    def open_edge(self) -> None:
        """Let the edge listen on the checkout's port and reach its services. EdgeError with another port if that one is
        used, or is another environment's with other settings."""
        wanted = self.desired()
        if wanted.routes is None:
            return
        port = self.checkout.port
        if (why := self.ctx.edge.pending(wanted.publish, wanted.url)) is not None:
            raise EdgeError(
                f"port {port} belongs to other environments on this machine, which would be interrupted {why}",
                hint=f"shipway dev up --port {next_free(port)}",
            )
        if (found := self.ctx.edge.taken(self.owner, wanted.routes)) is not None:
            raise EdgeError(
                f"{found[0]} is already served by {found[1]}", hint=f"shipway dev up --port {next_free(port)}"
            )
        network = names.rotation_network(self.plan.app, self.checkout.environment)
        try:
            self.ctx.edge.ensure(wanted.publish, {network: list(self.own.environment.public_names)}, wanted.url)
        except EdgeError as error:
            if f"port {port} " not in error.message:
                raise
            who = listener(port)
            raise EdgeError(
                f"port {port} is used by {who or 'another program'}", hint=f"shipway dev up --port {next_free(port)}"
            ) from error

    def route(self, answering: str) -> None:
        """Send the requests of the local name to the services, of which this one answers; nothing if they already go
        there."""
        wanted = self.desired().routes
        if wanted is None:
            return
        first = sorted(wanted["routes"], key=lambda item: item["name"] != answering)  # type: ignore[call-overload]
        wanted = {**wanted, "routes": first}
        if self.ctx.edge.routes(self.owner) != wanted:
            self.ctx.edge.switch(self.owner, wanted)

    def _foreign(self) -> OtherLedger:
        return OtherLedger(
            f"containers of this checkout were made with another home folder than {self.ctx.home.parent.parent}",
            hint="use that one (SHIPWAY_HOME), or remove them with their data: shipway dev down --volumes",
        )


def container_of(checkout: Checkout, service: str) -> str:
    """Name of a service's container."""
    return names.bounded(f"{checkout.app}_{checkout.environment}_{service}", "_1")


Show = Callable[[str, str], None]  # takes a service and a line that it wrote
