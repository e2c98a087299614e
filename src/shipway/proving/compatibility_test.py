"""Compatibility tests: start and use images on another release's schema, then check their database's log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shipway.domain.catalog import Difference, compare
from shipway.domain.proof import NO_EVIDENCE, SAFE, UNSAFE, CompatibilityTest
from shipway.domain.server_log import ServerLog
from shipway.ports import ScratchDatabase
from shipway.proving.sandbox_environment import Failed, ReleaseConfig, SandboxEnvironment, open_environment
from shipway.proving.server import Server
from shipway.proving.stages import Stages
from shipway.proving.start_cause import start_cause
from shipway.system.redact import shortened

SHOWN = 5  # log entries
WIDTH = 300  # characters of a statement
UNLOGGED = "no server logs the statements of a file: those that failed are only known where a scenario failed with them"


@dataclass
class _Seen(Stages):
    """The state of a test so far."""

    passed: list[tuple[str, str]] = field(default_factory=list)  # kind and name of scenarios

    def wrote(self) -> bool:
        return any(kind != "read" for kind, _ in self.passed)


def try_old(
    server: Server, database: ScratchDatabase, old: ReleaseConfig, new: ReleaseConfig, began: float,
    migrated: Sequence[Difference] = (),
) -> CompatibilityTest:  # fmt: skip
    """Test the old images on the new schema, after the new ones have written to it. began: start of the proof.
    migrated: the changes by the up migrations, which the old images must not undo."""
    old, new = old.on(server, database), new.on(server, database)
    clock = server.sandbox.ctx.clock
    first, second = _Seen(clock, began), _Seen(clock, began)
    with open_environment(server, "old") as at:
        at.accessories(new.release.plan)

        def use_new() -> None:
            first.passed.clear()
            with first.stage("new code, seed"):
                at.seed(new)
            _use(at, new, first, "new code")

        try:
            notes = on_own_schema(use_new, "new code")
        except Failed as error:
            return CompatibilityTest(NO_EVIDENCE, (error.reason,), stages=tuple(first.stages))
        mark = server.mark(database)
        result = _judged(at, old, second, database, lambda: server.log(database, mark), "old code", migrated)
    stages = (*first.stages, *result.stages)
    if result.verdict == SAFE and not first.wrote():
        reason = "the new code wrote nothing before: its plan has no scenario of kind `write` or `job`"
        return CompatibilityTest(NO_EVIDENCE, (reason, *result.reasons, *notes), result.checks, stages)
    return CompatibilityTest(result.verdict, (*result.reasons, *notes), result.checks, stages)


def try_new(
    server: Server, database: ScratchDatabase, old: ReleaseConfig, new: ReleaseConfig, began: float
) -> CompatibilityTest:
    """Test the new images on the old schema: the state before the migration, and after a down migration."""
    old, new = old.on(server, database), new.on(server, database)
    seen = _Seen(server.sandbox.ctx.clock, began)
    with open_environment(server, "new") as at:
        at.accessories(new.release.plan)
        try:
            notes = on_own_schema(lambda: at.seed(old), "old code")
        except Failed as error:
            return CompatibilityTest(NO_EVIDENCE, (error.reason,))
        mark = server.mark(database)
        result = _judged(at, new, seen, database, lambda: server.log(database, mark), "new code")
    return CompatibilityTest(result.verdict, (*result.reasons, *notes), result.checks, result.stages)


def on_own_schema(use: Callable[[], None], who: str) -> tuple[str, ...]:
    """Use code on its own schema, which only prepares a test: a second time if it fails, since a machine may be busy. Returns
    a note about that. Failed if it fails again."""
    try:
        use()
    except Failed as first:
        try:
            use()
        except Failed as error:
            raise Failed(f"the {who} does not work on its own schema: {error.reason}", error.output) from first
        return (f"the {who} failed once on its own schema, and worked when that was repeated: {first.reason}",)
    return ()


def _use(at: SandboxEnvironment, config: ReleaseConfig, seen: _Seen, who: str) -> None:
    """Start the release, and run all scenarios of its plan. Failed at the first error."""
    try:
        with seen.stage(f"{who}, start"):
            _start(at, config)
        for scenario in config.release.plan.prove.exercise.values():
            with seen.stage(f"{who}, {scenario.kind} {scenario.name}"):
                at.run_scenario(config, scenario)
            seen.passed.append((scenario.kind, scenario.name))
        at.require_running(config)  # its first job may have crashed a worker
    finally:
        at.stop(config)


def _start(at: SandboxEnvironment, config: ReleaseConfig) -> None:
    try:
        at.start(config)
    except Failed as error:
        cause = start_cause(error.output, at.variables(config), at.unknown_revision)
        raise Failed(f"{cause} ({error.reason})" if cause else error.reason, error.output) from error


def _judged(
    at: SandboxEnvironment, config: ReleaseConfig, seen: _Seen, database: ScratchDatabase, log: Callable[[], ServerLog],
    who: str, migrated: Sequence[Difference] = (),
) -> CompatibilityTest:  # fmt: skip
    reasons: list[str] = []
    before = database.catalog()
    try:
        _use(at, config, seen, who)
    except Failed as error:
        reasons.append(error.reason)
    undone, changed = schema_changes(compare(before, database.catalog()), migrated)
    reasons = [*undone, *reasons, *schema_mismatches(log())]
    checks = tuple(f"{kind}: {name}" for kind, name in seen.passed)
    if reasons:
        return CompatibilityTest(UNSAFE, (*reasons, *changed), checks, tuple(seen.stages))
    if not seen.wrote():
        missing = "scenario that writes" if seen.passed else "scenario"
        reason = f"unknown: release {config.release.number} has no {missing}; define one under `prove: scenarios` in its plan"
        return CompatibilityTest(NO_EVIDENCE, (reason, *changed), checks, tuple(seen.stages))
    workers = ", ".join(item.name for item in config.release.plan.workers)
    idle = workers and not any(kind == "job" for kind, _ in seen.passed)
    notes: tuple[str, ...] = () if at.logged else (UNLOGGED,)
    if idle:
        notes += (f"the workers were started, but no scenario of kind `job` gave them work: {workers}",)
    return CompatibilityTest(SAFE, (*notes, *changed), checks, tuple(seen.stages))


def schema_changes(
    changes: Sequence[Difference], migrated: Sequence[Difference]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Messages about schema changes by the tested code: about what it undid of the up migrations, and about others."""
    own = {(item.kind, item.name) for item in migrated}
    undone = [item for item in changes if item.change != "added" and (item.kind, item.name) in own]
    others = [item for item in changes if item not in undone]
    return (
        (f"it undid migrations of the new schema: {_listed(undone)}",) if undone else (),
        (f"it changed the schema while it ran: {_listed(others)}",) if others else (),
    )


def _listed(items: Sequence[Difference]) -> str:
    shown = "; ".join(f"{item.kind} {item.name} {item.change}" for item in items[:SHOWN])
    return shown + (f"; and {len(items) - SHOWN} more" if len(items) > SHOWN else "")


def schema_mismatches(log: ServerLog) -> list[str]:
    """Schema-mismatch errors in a database's log, as messages without duplicates."""
    found: list[str] = []
    for item in log.mismatches:
        text = " ".join(item.statement.split())
        shown = text if len(text) <= WIDTH else f"{shortened(text, WIDTH)} …"
        found.append(f"the database reported {item.code}: {item.text}" + (f"; statement: {shown}" if shown else ""))
    found = list(dict.fromkeys(found))
    return found if len(found) <= SHOWN else [*found[:SHOWN], f"and {len(found) - SHOWN} more such errors"]


def try_there(server: Server, database: ScratchDatabase, config: ReleaseConfig, began: float) -> CompatibilityTest:
    """Test images on a database as it is, with its rows."""
    own = config.on(server, database)
    with open_environment(server, "there") as at:
        at.accessories(own.release.plan)
        mark = server.mark(database)
        seen = _Seen(server.sandbox.ctx.clock, began)
        who = f"release {own.release.number}"
        return _judged(at, own, seen, database, lambda: server.log(database, mark), who)
