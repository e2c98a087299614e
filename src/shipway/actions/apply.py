"""Apply a decision: prepare, switch, verify, retire. On any failure everything is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shipway.actions.checks import run_check, run_seed
from shipway.context import Context, side_by_side
from shipway.domain import accessory as known
from shipway.domain import names
from shipway.domain.change import Change
from shipway.domain.container import (
    LABEL_APP,
    LABEL_DRAIN,
    LABEL_ENVIRONMENT,
    LABEL_NAME,
    LABEL_STANDBY,
    ContainerInfo,
    ContainerSpec,
)
from shipway.domain.errors import Interrupted, MigrationFailed, ShipwayError
from shipway.domain.observed import release_of
from shipway.domain.plan import Health
from shipway.domain.release import CANCELLED, DEPLOY, FAILED, SUCCEEDED
from shipway.steps.health import look, wait_healthy

if TYPE_CHECKING:
    from shipway.actions.decide import Decision

def apply(ctx: Context, decision: Decision, number: int) -> None:
    """Carry it out and settle the pending deployment of that number. Any failure is raised when all is taken back."""
    applying = Applying(ctx, decision)
    failed, detail = FAILED, ""
    try:
        applying.run()
    except (KeyboardInterrupt, Interrupted):
        failed, detail = CANCELLED, "interrupted"  # by its class: taking it back cleared `cancelled`
        raise
    except BaseException as error:
        detail = error.message if isinstance(error, ShipwayError) else type(error).__name__
        raise
    finally:
        outcome = SUCCEEDED if applying.serves else failed
        ctx.ledger.end_deployment(number, outcome, ctx.clock(), applying.schema, detail)


class Applying:
    """One deployment under way. `schema` is the database's revision, `switched` whether requests reach the release."""

    def __init__(self, ctx: Context, decision: Decision) -> None:
        self.ctx = ctx
        self.decision = decision
        self.plan = decision.order.release.plan
        self.app, self.environment = decision.wanted.app, decision.wanted.environment
        self.network = names.network(self.app, self.environment)
        self.rotation = names.rotation_network(self.app, self.environment)
        self.owner = names.route_owner(self.app, self.environment)
        self.before = decision.previous.schema if decision.previous else None
        self.schema = self.before
        self.new_volumes: list[str] = []
        self.switched = False
        self.serves = False  # switched and verified: from here on a failure doesn't take the release back

    def run(self) -> None:
        """The whole deployment. Raises what failed, after taking everything back."""
        try:
            for step in (self._accessories, self._pull, self._migrate, self._seed, self._services, self._verify):
                step()
        except BaseException as error:
            self._undo(error)
            raise
        self.serves = True
        self._retire()
        self._revert()
        self._stay_up()

    def _services(self) -> None:
        if self.decision.order.kind == DEPLOY:
            for step in (self._web, self._workers, self._switch):
                step()
        else:  # its workers were good before, and needn't wait for what stands by
            side_by_side(lambda steps: [step() for step in steps], [(self._web, self._switch), (self._workers,)])

    # prepare

    def _accessories(self) -> None:
        labels = {LABEL_APP: self.app, LABEL_ENVIRONMENT: self.environment}
        for network in (self.network, self.rotation):
            self.ctx.runtime.ensure_network(network, labels)
        changes = self.decision.changeset.of("accessory", "create", "start", "replace")
        if not changes:
            return
        with self.ctx.part("accessories", ", ".join(change.name for change in changes)):
            for change in changes:
                assert change.spec is not None
                if change.verb == "replace":
                    self.ctx.runtime.stop(change.name, change.spec.stop_grace)
                    self.ctx.runtime.remove(change.name)
                self.ctx.images.pull(change.spec.image, lambda line: self.ctx.reporter.line("accessories", line))
                self.new_volumes += [name for name in change.spec.volumes if not self.ctx.runtime.has_volume(name)]
                self.ctx.runtime.create(change.spec)
                self.ctx.runtime.start(change.name)
            wait_healthy(self.ctx, [self._accessory_health(change) for change in changes])

    def _accessory_health(self, change: Change) -> tuple[str, Health | None, int | None]:
        assert change.spec is not None
        accessory = self.plan.accessories[change.spec.labels[LABEL_NAME]]
        return change.name, known.health(accessory), known.port(accessory)

    def _pull(self) -> None:
        images = {change.spec.image for change in self._created() if change.spec}
        missing = sorted(image for image in images if self.ctx.images.inspect(image) is None)
        if missing:
            with self.ctx.part("pull", ", ".join(image.rpartition("/")[2][:40] for image in missing)):
                for image in missing:
                    self.ctx.images.pull(image, lambda line: self.ctx.reporter.line("pull", line))

    def _migrate(self) -> None:
        if not self.decision.wanted.up:
            if self.decision.wanted.down is None:
                self.schema = self.decision.order.release.schema
            return
        assert self.decision.tool is not None
        with self.ctx.part("migrate", ", ".join(self.decision.wanted.up)):
            self.decision.tool.up(lambda line: self.ctx.reporter.line("migrate", line))
        self.schema = self.decision.order.release.schema

    def _seed(self) -> None:
        if self.decision.changeset.of("database", "seed"):
            with self.ctx.part("seed", self.decision.wanted.seed or ""):
                run_seed(self.ctx, self.decision.order, self.decision.settings)

    def _web(self) -> None:
        specs = self.decision.wanted.web
        self._start(specs)
        started = {change.name for change in self._created()}
        self._wait([spec for spec in specs if spec.name not in started])  # what stood by must still be healthy

    def _workers(self) -> None:
        self._start(self.decision.wanted.workers)

    def _start(self, specs: Sequence[ContainerSpec]) -> None:
        verbs = {change.name: change.verb for change in self._created()}
        starting = [spec for spec in specs if spec.name in verbs]
        if not starting:
            return

        def start(spec: ContainerSpec) -> None:
            self.ctx.runtime.create(spec)
            self.ctx.runtime.start(spec.name)

        services = list(dict.fromkeys(spec.labels[LABEL_NAME] for spec in starting))
        with self.ctx.part("start", ", ".join(services)):
            side_by_side(start, starting)
            self._wait([spec for spec in starting if spec not in self._trusted()])

    def _wait(self, specs: Sequence[ContainerSpec]) -> None:
        wait_healthy(self.ctx, [(spec.name, *self._health(spec)) for spec in specs])

    def _health(self, spec: ContainerSpec) -> tuple[Health | None, int | None]:
        service = self.plan.services[spec.labels[LABEL_NAME]]
        return service.health, service.port

    # switch and verify

    def _switch(self) -> None:
        for spec in self.decision.wanted.web:
            self.ctx.runtime.connect(self.rotation, spec.name, (spec.labels[LABEL_NAME],))
        table = self.decision.wanted.routes
        if table is None:
            return
        domain = self.decision.order.environment.domain
        self.ctx.edge.ensure(self.decision.wanted.publish, {self.rotation: (domain,)})
        with self.ctx.part("switch", self.decision.order.environment.url):
            self.switched = True  # before the call: an unclear outcome is switched back
            self.ctx.edge.switch(self.owner, table)

    def _verify(self) -> None:
        """The checks; a release that comes back has passed them here before, and time counts."""
        for name in self.decision.order.environment.checks if self.decision.order.kind == DEPLOY else ():
            run_check(self.ctx, self.decision.order.release, self.decision.order.environment, name)

    # after success

    def _retire(self) -> None:
        if self.decision.wanted.routes is None and self.decision.observed.routes is not None:
            self.ctx.edge.remove(self.owner)
        if any(LABEL_STANDBY in item.labels and release_of(item) == self.decision.wanted.keep for item in self.decision.observed.services):
            # Later, when its requests have ended: they need the network.
            self.ctx.retire_later(self.app, self.environment)
        changes = {change.name: change.verb for change in self.decision.changeset.of("container", "stop", "remove")}
        if not changes:
            return

        def retire(container: ContainerInfo) -> None:
            self.ctx.runtime.stop(container.name, float(container.labels.get(LABEL_DRAIN, "10")))
            if changes[container.name] == "remove":
                self.ctx.runtime.remove(container.name)
            else:
                self.ctx.runtime.disconnect(self.rotation, container.name)

        with self.ctx.part("retire", f"{len(changes)} container(s)"):
            side_by_side(retire, [item for item in self.decision.observed.services if item.name in changes])

    def _revert(self) -> None:
        if self.decision.wanted.down is None:
            return
        assert self.decision.tool is not None
        target = self.decision.order.release.schema
        try:
            with self.ctx.part("revert", ", ".join(self.decision.wanted.down)):
                self.decision.tool.down(target, lambda line: self.ctx.reporter.line("revert", line))
        except MigrationFailed as error:
            raise MigrationFailed(
                f"release {self.decision.order.release.number} serves again, but the schema was not reverted: {error.message}",
                hint=error.hint or "the schema is newer than the code; repair the down script and roll forward",
            ) from error
        self.schema = target

    def _trusted(self) -> list[ContainerSpec]:
        """What a rollback starts again and has no health check: it ran before, and is looked at in the end."""
        if self.decision.order.kind == DEPLOY:
            return []
        kept = {change.name for change in self.decision.changeset.of("container", "start")}
        return [spec for spec in self.decision.wanted.services if spec.name in kept and not self._health(spec)[0]]

    def _stay_up(self) -> None:
        look(self.ctx, [spec.name for spec in self._trusted()])

    # after failure

    def _undo(self, error: BaseException) -> None:
        self.ctx.cancelled.clear()  # what follows must run also after an interrupt
        self.ctx.reporter.note(f"taking it back: {type(error).__name__}")
        for step in (self._switch_back, self._remove_created, self._migrate_back, self._remove_first):
            try:
                step()
            except ShipwayError as problem:
                self.ctx.reporter.note(f"while taking it back: {problem}")

    def _switch_back(self) -> None:
        if not self.switched:
            return
        if self.decision.observed.routes is None:
            self.ctx.edge.remove(self.owner)
        else:
            self.ctx.edge.switch(self.owner, self.decision.observed.routes)

    def _remove_created(self) -> None:
        created = self._created()
        side_by_side(self.ctx.runtime.remove, [change.name for change in created if change.verb == "create"])
        side_by_side(lambda name: self.ctx.runtime.stop(name, 1), [item.name for item in created if item.verb == "start"])
        # What was kept or stood by before goes out of rotation again.
        outside = {item.name for item in self.decision.observed.services if self.rotation not in item.addresses}
        for spec in self.decision.wanted.web:
            if spec.name in outside:
                self.ctx.runtime.disconnect(self.rotation, spec.name)

    def _migrate_back(self) -> None:
        """Back to the schema of the release that still serves, as long as no request reached the new code."""
        if not self.decision.wanted.up or self.decision.previous is None or self.decision.tool is None:
            return
        if self.switched:
            self.ctx.reporter.note(f"the schema stays at {self.schema}: the new release may have written with it")
            return
        with self.ctx.part("revert", f"→ {self.before}"):
            self.decision.tool.down(self.before, lambda line: self.ctx.reporter.line("revert", line))
        self.schema = self.before

    def _remove_first(self) -> None:
        """A first deployment that fails leaves nothing behind; what was there before it, such as a volume, stays."""
        if self.decision.previous is not None:
            return
        for change in self.decision.changeset.of("accessory", "create"):
            self.ctx.runtime.remove(change.name)
        for volume in self.new_volumes:
            self.ctx.runtime.remove_volume(volume)
        if not self.decision.observed.services and not self.decision.observed.accessories:
            for network in (self.rotation, self.network):
                self.ctx.runtime.remove_network(network)

    def _created(self) -> tuple[Change, ...]:
        return self.decision.changeset.of("container", "create", "start")
