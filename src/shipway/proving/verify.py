"""Verify the up, down and up again of a release's migrations on clones of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from shipway.domain.catalog import ADDITIVE, Catalog, Difference, compare
from shipway.domain.compatibility import classify
from shipway.domain.errors import MigrationFailed, ProofError
from shipway.domain.proof import DATA, FAILURES, REVERSIBLE, ROWS, MigrationReport
from shipway.ports import DatabaseTool, Fill, OnLine, Rejected, Scratch, ScratchDatabase
from shipway.proving.dumps import Dump
from shipway.proving.repeat import repeat, settled
from shipway.proving.round_trip import MigrationRange, RoundTrip, round_trip
from shipway.proving.stage import Terms, ignore
from shipway.proving.verdict import judge

ToolFor = Callable[[ScratchDatabase], DatabaseTool]


UNSEEN = "the effect on rows was not tested"
NOT_GENERATED, BESIDE = "no row could be generated", "the migration can't be tested beside another database"
TRIED = (NOT_GENERATED, BESIDE, "no rows could be generated", "with generated rows")
SHARED = "the migrations create, change or drop objects that belong to the whole server"
ATTEMPTS = 10  # to generate rows that the up migrations accept


def pending_range(tool: DatabaseTool, to: str | None = None) -> MigrationRange | None:
    """The range that a tool would apply, up to and including `to`; None if there is nothing. ProofError if `to` isn't
    pending."""
    pending = tool.pending()
    if to is not None:
        if to not in pending:
            raise ProofError(f"migration {to} is not pending; pending are: {', '.join(pending) or 'none'}")
        pending = pending[: pending.index(to) + 1]
    return MigrationRange(tool.current(), tuple(pending)) if pending else None


def verify(
    scratch: Scratch, template: ScratchDatabase, tool_for: ToolFor,
    *, mode: str, timeout: float | None, to: str | None = None, on_line: OnLine = ignore,
    fill: Fill | None = None, span: MigrationRange | None = None, watched: bool = True, changed: Callable[[], Sequence[str]] = tuple,
) -> MigrationReport:  # fmt: skip
    """Verify the migrations on clones of `template`, which is not modified; all clones are dropped.
    `timeout` (seconds) applies to each of up, down and up again. `span` saves asking the tool; by default it is
    everything pending, up to `to`.

    `mode` is the template's content. SCHEMA: no rows; `fill` generates some in a clone for a second round trip if the
    first one shows that rows may be lost, or `changed` names tables whose rows the up migrations change. ROWS: only
    with generated rows. DATA: rows of the target.
    ProofError if the server fails, or nothing is pending.
    """
    terms = Terms(scratch, timeout, on_line, watched)
    if span is None:
        span = _pending_in_clone(scratch, template, tool_for, to)
    verifier = _Verifier(scratch, template, tool_for, span, terms)
    if mode == DATA:
        return verifier.bare()
    if mode == ROWS and fill is not None:
        filled = verifier.filled(fill)
        return filled if isinstance(filled, MigrationReport) else _warn(verifier.bare(), filled)
    report = verifier.bare()
    if report.verdict not in REVERSIBLE:
        return report
    doubts = doubt(report) or changed_rows(changed())
    if not doubts:
        return report
    if fill is None:
        return _warn(report, f"{doubts}; {UNSEEN}: test it in mode `rows` or `data`")
    seen = verifier.filled(fill, report.changes)
    if isinstance(seen, str):
        return _warn(report, f"{doubts}; {seen}")
    return _warn(replace(seen, stages=(*report.stages, *seen.stages)), f"{doubts}; tested with generated rows only")


def summarized(warning: str) -> bool:
    """Whether it only says that rows were not tested, since none were to be generated: reports count these."""
    return UNSEEN in warning and not warning.startswith(TRIED)


def changed_rows(tables: Sequence[str]) -> str:
    """That rows of these tables may be changed, as a message; empty without any."""
    return f"the up migrations change rows of {', '.join(tables)}" if tables else ""


def doubt(report: MigrationReport) -> str:
    """Why a round trip without rows may hide lost rows, as a message; empty if it only adds."""
    if lost := [str(item) for item in report.changes if may_lose_rows(item)]:
        return f"the up migration drops or changes objects that may hold rows ({'; '.join(lost[:3])}{' …' if len(lost) > 3 else ''})"
    if tables := sorted({table for stage in report.stages for table in stage.rewrites}):
        return f"the up migration rewrites tables that may hold rows ({', '.join(tables)})"
    if report.triage not in ("", ADDITIVE):
        return f"the up migration is not only additive ({report.triage}): {'; '.join(report.triage_reasons[:2])}"
    if not report.changes:
        return "the up migration does not change the schema: it may change rows"
    return ""


def may_lose_rows(change: Difference) -> bool:
    """Whether it may lose rows: a dropped table or column, or a changed type."""
    return change.kind in ("table", "column") and (
        change.change == "removed" or (change.change == "changed" and "type" in change.facets)
    )


def report_of(found: RoundTrip, span: MigrationRange, scratch: Scratch) -> MigrationReport:
    """Convert to the ledger's form."""
    verdict, reasons = judge(found.findings)
    compatibility, why = classify(found.changes)
    remedies = scratch.hints(reasons[0]) if verdict in FAILURES else ()
    return MigrationReport(
        span.migrations, verdict, reasons, compatibility, tuple(why), found.findings.differences, found.changes,
        found.findings.losses, found.stages, (*found.warnings, *remedies),
    )  # fmt: skip


class _NoRows(Exception):
    """Why there are no rows, as a message."""


class _Verifier:
    """Verifies one range, each time on a new clone."""

    def __init__(
        self, scratch: Scratch, template: ScratchDatabase, tool_for: ToolFor, span: MigrationRange, terms: Terms
    ) -> None:
        self._scratch, self._template, self._tool_for, self._range, self._terms = (
            scratch,
            template,
            tool_for,
            span,
            terms,
        )
        self._server = scratch.server_objects()
        self._dumps: dict[str, Future[Dump | None]] = {}  # by the source's name
        self._shared: set[str] = set()  # names of changed objects of the server

    def bare(self) -> MigrationReport:
        """Verify with the template's own content."""
        return self._report(self._round_trip(self._template))

    def filled(self, fill: Fill, changes: Sequence[Difference] = ()) -> MigrationReport | str:
        """Verify with generated rows, with others as long as the up migrations fail with new messages; else why that
        proves nothing: they may fail for unrealistic rows."""
        messages: list[str] = []
        try:
            found, empty = self._filled_round_trip(fill)
            while (message := found.findings.up_failed) and messages.count(message) < 2 and len(messages) < ATTEMPTS:
                messages.append(message)
                changes = changes or self.bare().changes
                found, empty = self._filled_round_trip(partial(fill, rejected=Rejected(changes, messages)))
        except _NoRows as error:
            return f"no rows could be generated ({error}): {UNSEEN}"
        if found.findings.up_failed:
            return f"with generated rows the up migration failed ({messages[0]}): {UNSEEN}"
        stages = tuple(replace(stage, name=f"{stage.name}, with rows") for stage in found.stages)
        lost = [change.name for change in found.changes if may_lose_rows(change)]
        unseen = [table for table in empty if any(f"{name}.".startswith(f"{table}.") for name in lost)]
        warnings = [f"{NOT_GENERATED} for {table} ({empty[table]}): {UNSEEN}" for table in unseen]
        return self._report(replace(found, stages=stages, warnings=(*found.warnings, *warnings)))

    def _filled_round_trip(self, fill: Fill) -> tuple[RoundTrip, Mapping[str, str]]:
        """The round trip, and the tables that stayed empty."""
        filled = self._scratch.create(like=self._template)
        try:
            catalog = self._tool_for(filled).own_tables().without_history(filled.catalog())
            try:
                empty = fill(filled, catalog)
            except ProofError as error:
                raise _NoRows(error.message) from error
            return self._round_trip(filled), empty
        finally:
            self._scratch.drop(filled)

    def _round_trip(self, source: ScratchDatabase) -> RoundTrip:
        clone = self._scratch.create(like=source)
        try:
            with self._dumping(source):
                tool = self._tool_for(clone)
                before = tool.own_tables().without_history(clone.catalog())
                found = round_trip(
                    clone, tool, self._range, before, self._terms, template=source,
                    dumped=lambda *_: self._dumps[source.name].result,
                )  # fmt: skip
            found = self._with_left(found, clone, source)
        finally:
            self._drop(clone)
        return settled(found, lambda: self._repeat(source))

    def _with_left(self, found: RoundTrip, clone: ScratchDatabase, source: ScratchDatabase) -> RoundTrip:
        """What the migration that failed has left: compared with a clone that has those before it."""
        reached = found.reached
        if not found.findings.up_failed or found.findings.left or reached not in self._range.migrations:
            return found
        other = self._scratch.create(like=source)
        try:
            tool = self._tool_for(other)
            tool.up(ignore, reached)
            own = tool.own_tables()
            left = compare(own.without_history(other.catalog()), own.without_history(clone.catalog()))
        except (MigrationFailed, ProofError):  # the failure itself is reported
            return found
        finally:
            self._scratch.drop(other)
        return replace(found, findings=replace(found.findings, left=tuple(left)))

    def _repeat(self, source: ScratchDatabase) -> tuple[Catalog, Catalog] | None:
        clone = self._scratch.create(like=source)
        try:
            return repeat(clone, self._tool_for(clone), self._range, self._terms)
        finally:
            self._drop(clone)

    @contextmanager
    def _dumping(self, source: ScratchDatabase) -> Iterator[None]:
        """Dump it while the migrations run elsewhere, if that was not done: it has no changes. No session is left, which
        another clone of it would end."""
        if source.name in self._dumps:
            yield
            return
        with ThreadPoolExecutor(1) as pool:
            self._dumps[source.name] = pool.submit(source.dump)
            yield

    def _drop(self, clone: ScratchDatabase) -> None:
        self._scratch.drop(clone)
        self._shared.update(self._scratch.restore_server_objects(self._server))

    def _report(self, found: RoundTrip) -> MigrationReport:
        report = report_of(found, self._range, self._scratch)
        return _warn(report, f"{SHARED}: {', '.join(sorted(self._shared))}") if self._shared else report


def _pending_in_clone(scratch: Scratch, template: ScratchDatabase, tool_for: ToolFor, to: str | None) -> MigrationRange:
    clone = scratch.create(like=template)  # some tools create their history table when they are queried
    try:
        span = pending_range(tool_for(clone), to)
    finally:
        scratch.drop(clone)
    if span is None:
        raise ProofError("no migration is pending: there is nothing to test")
    return span


def _warn(report: MigrationReport, text: str) -> MigrationReport:
    return replace(report, warnings=(*report.warnings, text))
