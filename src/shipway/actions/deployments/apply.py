"""Apply a decision on every host: prepare, switch, verify, drain and stop. On any failure every host is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from shipway.actions.cdn.purge import cancel, purge_now, record, reopen
from shipway.actions.database.down_scripts import record_found, record_scripts
from shipway.actions.database.external import require_answers
from shipway.actions.database.file import prepare_file
from shipway.actions.deployments import tasks
from shipway.actions.deployments.checks import run_check
from shipway.actions.deployments.entrypoints import swallowed_commands
from shipway.actions.deployments.monitor import watch
from shipway.actions.deployments.places import Place, place_of
from shipway.actions.deployments.plan import Decision
from shipway.actions.deployments.revert import revert
from shipway.actions.deployments.seeds import seed, seeded
from shipway.actions.deployments.strategies import take_over
from shipway.actions.deployments.take_snapshot import snapshot_before
from shipway.actions.environment.former_hosts import remember
from shipway.actions.environment.prune import prune
from shipway.context import Context
from shipway.domain import names
from shipway.domain.errors import Interrupted, MigrationFailed, ShipwayError, StoreError
from shipway.domain.release import CANCELLED, DEPLOY, FAILED, ROLLBACK, SUCCEEDED
from shipway.domain.rules import required_checks
from shipway.domain.snapshot import Snapshot
from shipway.system.parallel import attempt_all, errors_of, side_by_side

AT_ONCE = 8  # hosts processed in parallel


def apply(ctx: Context, decision: Decision, number: int) -> None:
    """Apply the decision and finalize the pending deployment of that number. A failure is raised after the rollback; if
    that is incomplete, the deployment stays pending, and the next command completes it or rolls it back."""
    applying = Applying(ctx, decision, number)
    failed, detail = FAILED, ""
    try:
        applying.run()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | Interrupted):
            failed = CANCELLED  # by its class: the rollback cleared `cancelled`
        detail = _reason(ctx, error)
        raise
    finally:
        if applying.serves or applying.undone:
            outcome = SUCCEEDED if applying.serves else failed
            ctx.ledger.end_deployment(number, outcome, ctx.clock(), applying.schema, detail)


def _reason(ctx: Context, error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | Interrupted):
        return ctx.interruption()
    return error.message if isinstance(error, ShipwayError) else type(error).__name__


class Applying:
    """A deployment in progress. `schema` is the database's revision, `switched` whether requests reach the release."""

    def __init__(self, ctx: Context, decision: Decision, number: int) -> None:
        self.order, self.decision, self.number = decision.order, decision, number
        self.hosts = [place_of(ctx, decision, part) for part in decision.parts]
        self.here = self.hosts[0].ctx  # where jobs run
        self.ctx = ctx
        self.decided = ctx.clock()
        self.before = decision.schema.current
        self.schema = self.before
        self.snapshot: Snapshot | None = None  # of the database, before the migrations
        self.migrated = False  # migrations of an existing database were started
        self.reverting = False  # down migrations were started
        self.switched = False
        self.last_switch: float | None = None  # when it took effect on all hosts
        self.undone = False  # completely, after a failure
        self.serves = False  # switched and verified: from here on a failure doesn't roll back

    def run(self) -> None:
        """Run the whole deployment. Raises the failure after rolling everything back."""
        try:
            for step in (
                self._make_room,
                self._accessories,
                self._pull,
                self._migrate,
                self._revert_first,
                self._seed,
                self._before_switch,
                self._record_purge,
                self._take_over,
                self._purge,
                self._verify,
                self._watch,
            ):
                step()
        except BaseException as error:
            self._undo(error)
            raise
        self.serves = True
        attempt_all(self._record_seed, self._clean_up, self._after_deploy)

    def _clean_up(self) -> None:
        former = {
            part.host.name: "it was not cleaned up yet"
            for part in self.decision.parts
            if part.host not in self.order.environment.hosts
        }
        attempt_all(
            partial(self._remember, former), partial(self.everywhere, lambda host: host.forget_replaced()), self._retire, self._revert,
            *(host.require_trusted_running for host in self.hosts),
        )  # fmt: skip
        self._remember({})

    def _remember(self, former: Mapping[str, str]) -> None:
        """Remember hosts removed from the plan until nothing of the environment runs there."""
        hosts = {**self.decision.unreachable, **former}
        remember(self.ctx, self.order.release.app, self.order.environment.name, hosts)

    def everywhere(self, work: Callable[[Place], object]) -> None:
        """Run on all hosts in parallel. Raises the first error when all have ended."""

        first: list[Exception] = []

        def one(host: Place) -> None:
            try:
                with errors_of(host.name):
                    work(host)
            except Exception as error:
                first.append(error)
                for each in self.hosts:
                    each.given_up.set()  # the other hosts stop waiting for healthy containers
                raise

        try:
            side_by_side(one, self.hosts, most=AT_ONCE)
        except Exception as error:
            raise (first or [error])[0] from None

    # prepare

    def _make_room(self) -> None:
        """Prune what no environment needs; skipped for a rollback, which is urgent."""
        if self.order.kind == DEPLOY:
            prune(self.ctx, self.order.release.app)

    def _accessories(self) -> None:
        self.everywhere(lambda host: host.accessories())
        if self.decision.previous is None and self.order.release.plan.externals:
            lacks = require_answers(self.here, self.order.release, self.order.environment, self.decision.settings)
            if lacks:
                self.ctx.reporter.note(
                    f"snapshots of the database can be taken, but not restored: its role lacks {lacks}"
                )

    def _pull(self) -> None:
        self.everywhere(lambda host: host.pull())
        for warning in swallowed_commands(self.here, self.order.release, self.decision.previous_release):
            self.ctx.reporter.note(warning)

    def _migrate(self) -> None:
        desired, up, tool = self.decision.first.desired, self.decision.first.desired.up, self.decision.schema.tool
        if not up:
            if desired.down is None:
                self.schema = self.decision.schema.target
            return
        assert tool is not None
        release = self.order.release
        prepare_file(self.here, release, self.order.environment, self.decision.settings)
        if self._database_was_there():
            if self.decision.previous is None:  # the ledger has no previous release
                self.before, up = tool.current(), tuple(tool.pending())
                record_found(self.ctx, release, self.order.environment.name, self.before)
            self.schema = self.before
            self.snapshot = snapshot_before(self.here, self.order, self.decision.settings, self.before)
            record_scripts(self.ctx, release.app, self.order.environment.name, release.number, tool, up)
            self.migrated = bool(up)
        with self.here.part("migrate", ", ".join(up)):
            to = self.decision.schema.target if self.decision.schema.deferred else None
            tool.up(lambda line: self.ctx.reporter.line("migrate", line), to)
        self.schema = self.decision.schema.target

    def _database_was_there(self) -> bool:
        """Whether the database may have rows: one created by this deployment has none to lose."""
        database, host = self.order.release.plan.database, self.hosts[0]
        assert database is not None
        migrated = self.order.release.migrated
        if migrated and migrated.file:
            file = names.volume(self.order.release.app, self.order.environment.name, migrated.file.volume)
            return file not in host.new_service_volumes
        if database.accessory not in self.order.release.plan.own_accessories:
            return True
        name = names.accessory(self.order.release.app, self.order.environment.name, database.accessory)
        volumes = next((spec.volumes for spec in host.desired.accessories if spec.name == name), {})
        return any(item.name == name for item in host.observed.accessories) or any(
            volume not in host.new_volumes for volume in volumes
        )

    def _revert_first(self) -> None:
        """Revert the schema first if the old code fails on the current one. Any later failure reapplies it."""
        if self.decision.schema.rollback is not None and self.decision.schema.rollback.down_first:
            self._down()

    def _seed(self) -> None:
        if self.decision.first.changeset.of("database", "seed"):
            with self.here.part("seed", self.decision.first.desired.seed or ""):
                seed(self.here, self.order.release, self.order.environment, self.decision.settings)

    def _record_seed(self) -> None:
        where = self.order.environment
        if self.decision.first.desired.seed_once and self.decision.first.changeset.of("database", "seed"):
            seeded(self.here, self.order.release, where)

    def _before_switch(self) -> None:
        if self.order.kind == DEPLOY:
            tasks.before_switch(self.here, self.order, self.decision.settings, self.number)

    # switch and verify

    def _take_over(self) -> None:
        take_over(self)

    def switch(self, work: Callable[[Place], object]) -> None:
        """Switch all hosts or none: a failure on one rolls back all."""
        if self.hosts[0].switches:
            with self.ctx.part("switch", self.order.environment.url):
                self.switched = True  # before the call: an unclear outcome is rolled back
                self.everywhere(work)
            self.last_switch = self.ctx.clock()

    def _record_purge(self) -> None:
        """Before the switch: a process that dies right after it leaves the purge to the next one."""
        order, previous = self.order, self.decision.previous_release
        if self.decision.first.desired.routes is not None:
            record(self.ctx, order.release, previous, order.environment, self.number, order.kind)

    def _purge(self) -> None:
        """Purge CDNs; what fails stays pending. The checks come after it, since they may go through one."""
        if self.switched:
            with suppress(StoreError):
                purge_now(self.ctx, self.order.release.app, self.order.environment.name, self.number)

    def _verify(self) -> None:
        """Run the checks, except for a rollback: its release passed them here before, and time matters."""
        order = self.order
        if order.kind == DEPLOY:
            if not order.environment.watch.duration:  # else it would be old when it is needed
                self.everywhere(lambda host: host.begin_to_measure())
            for check in required_checks(order.release.plan, order.environment, order.in_force):
                run_check(self.here, order.release, order.environment, check)

    def _watch(self) -> None:
        self.everywhere(lambda host: host.wait_stable())
        rule = self.order.environment.watch
        if rule.duration and self.switched and self.order.kind == DEPLOY:
            watch(self.hosts, rule, self.order.release.number, duration=rule.duration)

    # after success

    def _retire(self) -> None:
        """After a rollback the outgoing release's workers finish their jobs in the background, but not on a schema that
        is being reverted."""
        down = self.decision.first.desired.down is not None
        deployments = self.ctx.ledger.history(self.order.release.app, self.order.environment.name)

        def retire(host: Place) -> None:
            empty = not host.desired.services  # no later process handles this host
            if down or empty or self.order.kind != ROLLBACK:
                host.retire(deployments, wait=down or empty)

        def later() -> None:
            if any(host.has_outgoing() for host in self.hosts):
                self.ctx.retire_later(self.order.release.app, self.order.environment.name)

        steps = (lambda host: host.unroute(), retire, lambda host: host.limit(deployments))
        attempt_all(*(partial(self.everywhere, step) for step in steps), later)

    def _after_deploy(self) -> None:
        if self.order.kind == DEPLOY:
            tasks.after_deploy(self.here, self.order, self.decision.settings, self.number)

    def _revert(self) -> None:
        if self.reverting:
            return
        try:
            self._down()
        except MigrationFailed as error:
            raise MigrationFailed(
                f"release {self.order.release.number} serves again, but the schema was not reverted: {error.message}",
                hint=error.hint or "the schema is ahead of the code; fix the down migration and roll forward",
            ) from error

    def _down(self) -> None:
        down = self.decision.first.desired.down
        if down is None:
            return
        assert self.decision.schema.tool is not None
        self.reverting = True
        try:
            with self.here.part("revert", ", ".join(down)):
                self.decision.schema.tool.down(
                    self.decision.schema.target, lambda line: self.ctx.reporter.line("revert", line)
                )
        except Exception:
            with suppress(Exception):  # some of the migrations may have run
                self.schema = self.decision.schema.tool.current()
            raise
        self.schema = self.decision.schema.target

    # after failure

    def _undo(self, error: BaseException) -> None:
        self.ctx.cancelled.clear()  # must also run after an interrupt
        self.ctx.reporter.note(f"rolling back: {_reason(self.ctx, error).splitlines()[0]}")
        problems: list[BaseException] = []
        before = self.decision.previous_release.plan if self.decision.previous_release else None
        good = {*before.accessories, *([before.database.accessory] if before.database else [])} if before else set()
        database = self.order.release.plan.database
        steps = [self._restore, self._migrate_back]
        if database is not None and database.accessory not in good:  # removed next, if this deployment created it
            steps = [self._stop_begun, self._migrate_back, self._restore]
        try:
            attempt_all(*steps, on_error=problems.append)
            self.undone = True
            self._purge_again()
            if self.decision.previous:
                self.ctx.reporter.note(f"release {self.decision.previous.release} is serving")
        except KeyboardInterrupt:
            raise
        except BaseException:
            pass  # the caller raises the failure of the deployment
        for problem in problems:
            self.ctx.reporter.note(f"during the rollback: {problem}")
        if problems:
            self.ctx.reporter.note("the deployment stays pending: the next command completes it or rolls it back")

    def _purge_again(self) -> None:
        """Caches may have kept answers of the release that serves no longer."""
        where = (self.order.release.app, self.order.environment.name, self.number)
        with suppress(StoreError):
            for work in (reopen, purge_now) if self.switched else (cancel,):
                work(self.ctx, *where)

    def _restore(self) -> None:
        """Restore the previous release. Discards volumes created by this deployment, which hold no user data as long as
        no previous release existed or no request arrived."""
        made = not self.switched or self.decision.previous is None
        volumes = {
            part.host.name: [*host.new_volumes, *host.new_service_volumes]
            for part, host in zip(self.decision.parts, self.hosts, strict=True)
            if made
        }
        revert(self.ctx, self.order.release, self.order.environment, self.decision.previous, volumes)

    def _stop_begun(self) -> None:
        if not self.switched:
            self.everywhere(lambda host: host.stop_begun())

    def _migrate_back(self) -> None:
        """Revert to the previous schema revision, unless a request reached the new code."""
        tool = self.decision.schema.tool
        if self.reverting and tool is not None:
            with self.here.part("migrate", f"→ {self.before}, again"):
                tool.up(lambda line: self.ctx.reporter.line("migrate", line), self.before)
            self.schema = self.before
        if not self.migrated or tool is None:
            return
        if self.switched:
            self._schema_stays("the new release may have written to it")
            return
        if self._on_start():
            with suppress(Exception):
                self.schema = tool.current()
            self._schema_stays("its program migrates when it starts, and has no down migrations")
            return
        try:
            with self.here.part("revert", f"→ {self.before}"):
                tool.down(self.before, lambda line: self.ctx.reporter.line("revert", line))
        except MigrationFailed:
            with suppress(Exception):
                self.schema = tool.current()
            self._schema_stays("its down migrations failed")
            raise
        self.schema = self.before

    def _on_start(self) -> bool:
        """Whether the release's program migrates when it starts."""
        database = self.order.release.plan.database
        return database is not None and database.on_start

    def _schema_stays(self, why: str) -> None:
        text = f"the schema stays at {self.schema}: {why}; before this deployment, it was at {self.before or 'no revision'}"
        self.ctx.reporter.note(f"{text}{self._how_to_restore()}")

    def _how_to_restore(self) -> str:
        if self.snapshot is None:
            return ""
        number, name = self.snapshot.number, self.order.environment.name
        once = "" if self.decision.previous else ", once a release serves there"
        return f". Snapshot {number} has the previous data: `shipway restore {name} {number}` restores it{once}"
