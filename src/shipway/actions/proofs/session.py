"""A proof in progress: its server, its copy of the database, the migrations, and the compatibility tests."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import TypeAlias

from shipway.actions.database.schema import ripe
from shipway.actions.environment.jobs import Files, database_tool
from shipway.actions.proofs.request import ProofRequest
from shipway.actions.proofs.secrets import ProofSecrets
from shipway.domain.catalog import Catalog, compare
from shipway.domain.errors import MigrationFailed
from shipway.domain.own_tables import OwnTablesCache
from shipway.domain.plan import Accessory
from shipway.domain.proof import (
    DATA,
    NO_EVIDENCE,
    SAFE,
    SCHEMA,
    CompatibilityTest,
    MigrationReport,
    Proof,
    Stage,
    Traffic,
)
from shipway.domain.release import SUCCEEDED
from shipway.domain.server_log import Costly, ServerLog, TableSize
from shipway.domain.value import dataclass
from shipway.ports import DatabaseTool, OnLine, ScratchDatabase
from shipway.proving.compatibility_test import schema_mismatches, try_new, try_old
from shipway.proving.growth import frequent_statements, growth, table_sizes
from shipway.proving.interleaved import NEW, OLD, Interleaved, judge_together, run_interleaved
from shipway.proving.limit import limited
from shipway.proving.lint_warnings import lint_warnings
from shipway.proving.round_trip import MigrationRange
from shipway.proving.sandbox import Sandbox
from shipway.proving.sandbox_environment import Failed, ReleaseConfig, SandboxEnvironment
from shipway.proving.sequence import Base, ends, verify_sequence
from shipway.proving.server import Server, start
from shipway.proving.template import Target, make_template, require_space
from shipway.proving.tool_containers import ToolContainers
from shipway.proving.under_traffic import under_traffic
from shipway.proving.verify import SHARED, verify
from shipway.system.parallel import side_by_side

AT_ONCE = ("rolling", "canary")  # strategies with which both releases serve for minutes
Found: TypeAlias = (
    tuple[MigrationReport, ...] | CompatibilityTest | Traffic | Mapping[str, TableSize] | Interleaved | None
)


@dataclass(frozen=True)
class _Part:
    """A part of a proof."""

    work: Callable[[ScratchDatabase], Found]
    cloned: bool = True  # it changes its database, a clone of its own; else it gets the template


class ProofSession:
    """A proof in progress."""

    def __init__(self, at: Sandbox, request: ProofRequest, began: float) -> None:
        self.sandbox, self.ctx, self.request, self.began = at, at.ctx, request, began
        self.stages: list[Stage] = []
        self.files: dict[str, dict[str, bytes]] = {}  # of the image, by folder
        self.own_tables = OwnTablesCache()
        self.ran = ServerLog()  # of the up migrations, once `up` is set
        self.before = Catalog()  # before the up migrations, likewise
        self.up = threading.Event()
        self.guard = threading.Lock()
        self.beside: SandboxEnvironment | None = None  # accessories of a program that migrates when it starts
        self.starts = 0  # of it
        release, environment, old = request.release, request.environment, request.old
        self.plan = release.plan
        self.proving = dataclasses.replace(self.plan.prove, mode=request.mode)
        secrets = ProofSecrets(self.ctx)
        self.new = ReleaseConfig(release, environment, secrets.settings(release, environment))
        was = old.plan.environments.get(environment.name, environment)
        self.old = ReleaseConfig(old, was, secrets.settings(old, was))

    def run(self, blank: Proof) -> Proof:
        """Run the proof."""
        accessory = self._accessory()
        host = self.old.environment.hosts[0].name
        app, environment, passwords = self.plan.app, self.request.environment.name, self.old.settings.passwords
        target = Target(
            self.sandbox.on(host), app, environment, accessory, passwords.get(accessory.name, ""), self.sandbox.labels
        )
        image = target.image()
        require_space(self.ctx, target, self.proving)
        self.ctx.registry(self.plan).ensure()
        with self._stage("server"):
            image = image if host == self.ctx.machine.name else accessory.image
            server = start(self.sandbox, app, accessory, image, target.role)
        self.tools = ToolContainers(server, self.proving.timeout)
        copy, span = self._copy(server, target)
        done = dataclasses.replace(blank, image=accessory.image)
        if span is None:
            result = CompatibilityTest(SAFE, ("the database already has all migrations of the release",))
            return dataclasses.replace(done, old_code=result, new_code=result, stages=tuple(self.stages))
        done = dataclasses.replace(done, schema_after=span.end)
        found = self._results(server, copy, target, span)
        reports, old_code, new_code, sizes = (found[name] for name in ("reports", "old code", "new code", "sizes"))
        traffic, both = found.get("traffic"), found.get("together")
        assert isinstance(reports, tuple)
        assert isinstance(old_code, CompatibilityTest)
        assert isinstance(new_code, CompatibilityTest)
        assert traffic is None or isinstance(traffic, Traffic)
        assert isinstance(sizes, Mapping)
        assert both is None or isinstance(both, Interleaved)
        first = dataclasses.replace(reports[0], warnings=(*reports[0].warnings, *self._remarks()))
        scripts = self._tool(server, copy).scripts(span.migrations)
        return dataclasses.replace(
            done,
            way=first,
            each=reports[1:],
            old_code=old_code,
            new_code=new_code,
            stages=tuple(self.stages),
            scripts=scripts,
            traffic=traffic,
            together=self._judged(both, old_code) if both else None,
            growth=growth(server, self._costly(server, reports[0]), sizes),
        )

    def _results(self, server: Server, copy: ScratchDatabase, target: Target, span: MigrationRange) -> dict[str, Found]:
        """Of all parts of the proof. Three run side by side; one by one where the migrations change roles: the databases of
        the server share these."""
        known = server.scratch.server_objects()
        parts = {  # the round trip waits for what the old code's migrations log
            "old code": _Part(lambda clone: self._old_code(server, clone, span)),
            "reports": _Part(lambda template: self._reports(server, template, span), cloned=False),
            "new code": _Part(lambda clone: self._new_code(server, clone)),
            "sizes": _Part(lambda _: table_sizes(target), cloned=False),
        }
        if self.request.traffic and (self.old.release.plan.prove.exercise or self.proving.traffic):
            parts["traffic"] = _Part(lambda clone: self._traffic(server, clone, span, target))
        if self.request.environment.strategy.kind in AT_ONCE:
            parts["together"] = _Part(lambda clone: self._together(server, clone, span))
        # Clone first: a database can only be cloned while nothing is connected to it.
        clones = {name: server.scratch.create(like=copy) for name, part in parts.items() if part.cloned}
        found: dict[str, Found] = {}

        def lane(names: Sequence[str]) -> None:
            for name in names:
                found[name] = parts[name].work(clones.get(name, copy))

        # The old code's part starts two releases, one after the other: as long as the third lane.
        side_by_side(lane, (["old code"], ["reports"], [name for name in parts if name not in ("old code", "reports")]))
        reports = found["reports"]
        assert isinstance(reports, tuple)
        if not any(warning.startswith(SHARED) for warning in reports[0].warnings):
            return found
        self.up.clear()
        for clone in clones.values():
            server.scratch.drop(clone)
        for name, part in parts.items():
            server.scratch.restore_server_objects(known)
            clone = server.scratch.create(like=copy) if part.cloned else copy
            found[name] = part.work(clone)
            if part.cloned:
                server.scratch.drop(clone)
        return found

    def _accessory(self) -> Accessory:
        """The database accessory as it runs."""
        accessory = self.request.old.migrated
        assert accessory is not None
        return accessory

    def _copy(self, server: Server, target: Target) -> tuple[ScratchDatabase, MigrationRange | None]:
        """The template, and what the release would apply to it. A history table of another name than usual is known once the
        tool has been asked: without its rows, nothing seems to be applied."""
        history: frozenset[str] = frozenset()
        while True:
            with self._stage("template"):
                copy = make_template(server, target, self.proving, sorted(history))
            with self._stage("pending"):
                span = self._range(server, copy)
            unknown = self._tool(server, copy).own_tables().history.difference(server.driver.history_tables, history)
            if self.proving.mode == DATA or not unknown:
                return copy, span
            server.scratch.drop(copy)
            history |= unknown

    def _range(self, server: Server, copy: ScratchDatabase) -> MigrationRange | None:
        """The migrations that the release would apply; some tools create their history table when they are asked."""
        clone = server.scratch.create(like=copy)
        tool = self._tool(server, clone)
        pending = tool.pending()
        if pending:
            release, environment, own = self.new.release, self.new.environment, self.new.settings
            pending = list(ripe(self.ctx, release, environment, own, pending, self.request.old)[0])
        found = MigrationRange(self.request.current_revision or tool.current(), tuple(pending)) if pending else None
        server.scratch.drop(clone)
        return found

    def _tool(self, server: Server, database: ScratchDatabase) -> DatabaseTool:
        config = self.new.on(server, database)
        tool = database_tool(
            self.ctx,
            config.release,
            config.environment,
            config.settings,
            runner=self.tools.runner,
            files=self._read_once,
            cache=self.own_tables,
            volume=server.folder(database),
            start=(lambda on_line: self._start_alone(server, config, on_line)) if self._on_start else None,
        )
        assert tool is not None
        return tool

    @property
    def _on_start(self) -> bool:
        return self.plan.database is not None and self.plan.database.on_start

    def _start_alone(self, server: Server, config: ReleaseConfig, on_line: OnLine) -> None:
        """Start the program that migrates, beside accessories of its own, on the database of `config`."""
        with self.guard:
            if self.beside is None:
                self.beside = SandboxEnvironment(server, "start", server.network)
                self.beside.accessories(self.plan)
            self.starts += 1
            at = SandboxEnvironment(server, f"start{self.starts}", server.network)
        assert self.plan.database is not None
        alone = config.only(self.plan.database.service, self.proving.timeout)
        try:
            at.start(alone)
        except Failed as error:
            raise MigrationFailed(f"the start of {self.plan.database.service} failed: {error.reason}") from error
        finally:
            at.stop(alone)

    def _read_once(self, files: Files) -> Files:
        def read(folder: str) -> dict[str, bytes]:
            with self.guard:
                if folder not in self.files:
                    self.files[folder] = files(folder)
                return self.files[folder]

        return read

    def _reports(self, server: Server, copy: ScratchDatabase, span: MigrationRange) -> tuple[MigrationReport, ...]:
        """The round trip of all migrations, then each one's own if there are several."""
        offset = self.ctx.clock() - self.began
        report = verify(
            server.scratch, copy, lambda database: self._tool(server, database), mode=self.proving.mode,
            timeout=self.proving.timeout, span=span, fill=server.scratch.fill, 
            changed=lambda: self._changed(server, copy),
        )  # fmt: skip
        stages = tuple(dataclasses.replace(stage, start=stage.start + offset) for stage in report.stages)
        whole = dataclasses.replace(report, stages=stages)
        if len(span.migrations) == 1 or ends(whole):
            return (whole,)
        alone = verify_sequence(
            server.scratch, lambda database, at: self._tool(server, database), span.migrations, lambda report: None, lambda line: None,
            timeout=self.proving.timeout, base=Base(copy, span.start),
        )  # fmt: skip
        return (whole, *alone.reports)

    def _old_code(self, server: Server, database: ScratchDatabase, span: MigrationRange) -> CompatibilityTest:
        try:
            tool = self._tool(server, database)
            before = tool.own_tables().without_history(database.catalog())
            # With rows, a migration may change each of them by its own statement.
            rows = server.driver.log_rows(database) if self.proving.mode == SCHEMA else nullcontext()
            mark = server.mark(database)
            with rows, limited(database, self.proving.timeout):
                tool.up(lambda line: None, span.end)
            self.before = before
            migrated = compare(before, tool.own_tables().without_history(database.catalog()))
            self.ran = server.log(database, mark)
        except (MigrationFailed, TimeoutError) as error:
            why = f"not tested, since there is no new schema: {str(error).splitlines()[0] if str(error) else 'the up migrations timed out'}"
            return CompatibilityTest(NO_EVIDENCE, (why,))
        finally:
            self.up.set()
        return try_old(server, database, self.old, self.new, self.began, migrated)

    def _costly(self, server: Server, report: MigrationReport) -> Sequence[Costly]:
        rewrites = {
            table for stage in report.stages if stage.name in ("up", "up, with rows") for table in stage.rewrites
        }
        return server.driver.costly(self.ran.statements, self.before, rewrites)

    def _together(self, server: Server, database: ScratchDatabase, span: MigrationRange) -> Interleaved | None:
        try:
            with limited(database, self.proving.timeout):
                self._tool(server, database).up(lambda line: None, span.end)
        except (MigrationFailed, TimeoutError):  # `old code` and the round trip report it
            return None
        return run_interleaved(server, database, self.old, self.new, self.began)

    def _judged(self, both: Interleaved, old_code: CompatibilityTest) -> CompatibilityTest:
        new = f"release {self.request.release.number}" if self.request.release.number else "the new release"
        numbers = {OLD: f"release {self.request.old.number}", NEW: new}
        log = {who: schema_mismatches(found) for who, found in both.mismatches.items()}
        return judge_together(both, numbers, old_code, log)

    def _traffic(self, server: Server, database: ScratchDatabase, span: MigrationRange, target: Target) -> Traffic:
        tool, wanted = self._tool(server, database), self.proving.traffic
        statements, lacking = frequent_statements(target, wanted) if wanted else ((), "")
        found = under_traffic(
            server, database, self.old, lambda: tool.up(lambda line: None, span.end), self.began, statements
        )
        return dataclasses.replace(found, failures=(*found.failures, lacking)) if lacking else found

    def _changed(self, server: Server, database: ScratchDatabase) -> Sequence[str]:
        self.up.wait()
        own = self._tool(server, database).own_tables()
        return [table for table in self.ran.changed if not own.is_history(table)]

    def _remarks(self) -> tuple[str, ...]:
        """The linter's warnings about the up migrations, if there is one."""
        linter = self.ctx.linter()
        return lint_warnings(linter, self.ran.statements) if linter else ()

    def _new_code(self, server: Server, database: ScratchDatabase) -> CompatibilityTest:
        if self._on_start:
            why = "not tested: the new release migrates the schema when it starts"
            return CompatibilityTest(NO_EVIDENCE, (why,))
        return try_new(server, database, self.old, self.new, self.began)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = self.ctx.clock()
        yield
        self.stages.append(Stage(name, start - self.began, self.ctx.clock() - start, SUCCEEDED))
