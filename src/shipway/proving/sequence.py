"""Verify many migrations, oldest first, each by its own round trip: up, down, up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from shipway.domain.catalog import Catalog
from shipway.domain.errors import ProofError
from shipway.domain.proof import FAILURES, IRREVERSIBLE, RESTORED, REVERSIBLE, SCHEMA, MigrationReport
from shipway.domain.value import dataclass
from shipway.ports import DatabaseTool, Fill, OnLine, Scratch, ScratchDatabase
from shipway.proving.dumps import Dump
from shipway.proving.repeat import repeat, settled
from shipway.proving.round_trip import MigrationRange, RoundTrip, round_trip
from shipway.proving.stage import Terms, run
from shipway.proving.verify import BESIDE, UNSEEN, changed_rows, doubt, report_of, verify

ToolAt = Callable[[ScratchDatabase, str | None], DatabaseTool]  # for a database at a revision
ChangedRows = Callable[[str], Sequence[str]]  # tables whose rows a revision's up migration may change
OnReport = Callable[[MigrationReport], None]
TOGETHER = 20  # migrations whose dumps are compared at once


@dataclass(frozen=True)
class Base:
    """The start of a sequence: an unmodified database, and its revision."""

    database: ScratchDatabase
    revision: str | None


@dataclass(frozen=True)
class SequenceReport:
    """The migrations' reports in order. Fewer than requested if the last one's up migration failed: nothing can follow
    it."""

    reports: tuple[MigrationReport, ...]
    requested: int


def ends(report: MigrationReport) -> bool:
    """Whether its first up migration failed."""
    return report.verdict in FAILURES and len(report.stages) == 1


def verify_sequence(
    scratch: Scratch, tool_at: ToolAt, revisions: Sequence[str], on_report: OnReport, on_line: OnLine,
    *, timeout: float | None, chosen: Sequence[int] | None = None, fill: Fill | None = None, base: Base | None = None,
    watched: bool = False, changed: ChangedRows = lambda revision: (), together: int = TOGETHER,
) -> SequenceReport:  # fmt: skip
    """Verify the migrations at the ascending indexes `chosen` (None: all); those before and between them are only
    applied. They follow the revision of `base`; None: an empty database. `on_report` receives each report.

    With `fill`, migrations that may lose rows are verified again with generated rows. `changed` names the tables whose rows an
    up migration may change, as far as that is known. watched: record locks, which takes longer. All databases are dropped.
    ProofError if the server or a migration that is only applied fails.

    Dumps are compared once for up to `together` migrations, since a dump takes longer than a migration; their reports wait for
    that. If the dumps differ, these migrations are verified again, with a comparison after each.
    """
    requested = range(len(revisions)) if chosen is None else chosen
    reports: list[MigrationReport] = []
    waiting: dict[int, MigrationReport] = {}

    def flush() -> None:
        found = list(waiting.values())
        waiting.clear()
        reports.extend(found)
        for report in found:
            on_report(report)

    def again(indexes: Sequence[int]) -> None:
        found = verify_sequence(
            scratch, tool_at, revisions, lambda report: None, on_line, timeout=timeout, chosen=indexes, fill=fill, base=base,
            watched=watched, changed=changed, together=1,
        ).reports  # fmt: skip
        waiting.update(zip(indexes, found, strict=False))

    terms = Terms(scratch, timeout, on_line, watched=watched)
    try:
        with _Sequence(scratch, tool_at, revisions, terms, fill, base, changed, together) as sequence:
            for index in requested:
                waiting[index] = report = sequence.verify(index, last=index + 1 not in requested)
                if doubtful := sequence.take_doubtful():
                    sequence.reset()
                    again(doubtful)
                if not sequence.unchecked:
                    flush()
                if ends(report):
                    break
    finally:
        flush()
    return SequenceReport(tuple(reports), len(requested))


class _Sequence:
    """Two databases: `source` is only migrated up, as far as needed; round trips run in `clone`, a clone of it. If a
    down migration doesn't restore it, the clone is recreated, so that the next migration isn't blamed for that.

    Both share the server's roles: whenever the clone is recreated, these are restored to what the source has created. Where
    a migration fails since the source uses a role too, it is verified without the source.
    """

    def __init__(
        self,
        scratch: Scratch,
        tool_at: ToolAt,
        revisions: Sequence[str],
        terms: Terms,
        fill: Fill | None,
        base: Base | None,
        changed: ChangedRows,
        together: int,
    ) -> None:
        self._scratch, self._tool_at, self._revisions, self._terms, self._fill = (
            scratch,
            tool_at,
            revisions,
            terms,
            fill,
        )
        self._base, self._changed, self._together = base, changed, together
        self._source: ScratchDatabase | None = None
        self._source_at = base.revision if base else None
        self._clone: ScratchDatabase | None = None
        self._clone_at: str | None = None
        self._stale = True  # the clone must be recreated before the next migration
        self._catalog = Catalog()  # of the clone
        self._fresh = True  # no migration was verified in the clone yet
        self._dump: Dump | None = None  # of the clone; None if it is fresh, or dumps are compared once for several
        self.unchecked: list[int] = []  # verified in the clone since dumps were compared
        self._doubtful: list[int] = []  # whose dumps must be compared one by one
        self._last = False  # the migration at hand is the last one, or the one after it is only applied
        self._dumps = True  # the server can be dumped
        self._server = scratch.server_objects()  # before the sequence
        self._source_server = self._server  # once the source is migrated

    def __enter__(self) -> _Sequence:
        return self

    def __exit__(self, *error: object) -> None:
        self.reset()

    def take_doubtful(self) -> list[int]:
        """The migrations so far that must be verified again, with a comparison of dumps after each."""
        if self._doubtful:
            self._give_up()
        found, self._doubtful = self._doubtful, []
        return found

    def reset(self) -> None:
        """As at the start: no database is there, and the server's objects are as before the sequence."""
        try:
            self._drop_clone()
        finally:
            self._drop_source()
            self._scratch.restore_server_objects(self._server)

    def verify(self, index: int, *, last: bool) -> MigrationReport:
        """Verify one migration. Afterwards it is applied in the clone, or the clone is stale: recreating it may fail, and
        must not prevent this report."""
        span, self._last = MigrationRange(self._before(index), (self._revisions[index],)), last
        together = self._together > 1
        if self._stale or self._clone_at != span.start:  # those in between are only applied
            self._recreate_clone(span.start)
        found = self._round_trip(span)
        report = report_of(found, span, self._scratch)
        if report.verdict in FAILURES and not self._fresh:  # caused by it, or by earlier migrations?
            self._recreate_clone(span.start)
            found = self._round_trip(span)
            report = report_of(found, span, self._scratch)
        if report.verdict in FAILURES and self._base is None and self._scratch.server_objects() != self._server:
            self._clone_alone(span.start)
            found = self._round_trip(span)
            report = report_of(found, span, self._scratch)
        if report.verdict in REVERSIBLE:
            report = self._verify_rows(found, report, span)
        usable = found.catalog is not None and self._source is not None and report.verdict in (RESTORED, IRREVERSIBLE)
        if not usable or not self._rows_as_in_source(found, report, span):
            self._stale = True
        elif found.catalog is not None and not self._stale:
            self._catalog, self._dump, self._clone_at, self._fresh = found.catalog, found.dump, span.end, False
        if together:
            self._note(index, found, report)
        return report

    def _note(self, index: int, found: RoundTrip, report: MigrationReport) -> None:
        """What is known about its dumps, and about those of the migrations before it."""
        if not self._dumps:
            self.unchecked = []
        elif found.compared:
            if self.unchecked and found.findings.differences:  # which of them is it?
                self._doubtful += [*self.unchecked, index]
            self.unchecked = []
        elif report.verdict == RESTORED and self._source is not None:
            self.unchecked.append(index)
        if self._stale or self._last or self._together == 1 or ends(report):
            self._give_up()

    def _give_up(self) -> None:
        """Of the clone with the unchecked migrations."""
        self._doubtful += self.unchecked
        self.unchecked = []

    def _round_trip(self, span: MigrationRange) -> RoundTrip:
        assert self._clone is not None
        if not self._fresh:  # the rows of the migrations before it are there, and must not change
            self._clone.forget()
        found = round_trip(
            self._clone, self._tool_at(self._clone, span.start), span, self._catalog, self._terms,
            previous=partial(self._previous, span), dumped=partial(self._dumped, span), dump_again=self._together == 1,
        )  # fmt: skip
        return settled(found, lambda: self._repeat(span)) if self._source else found

    def _previous(self, span: MigrationRange) -> ScratchDatabase | None:
        """The source, with the rows that the clone had before the round trip; None if the clone's server objects are in its way."""
        if self._source is None or self._scratch.server_objects() != self._source_server:
            return None
        self._migrate_source(span.start)
        return self._source

    def _dumped(self, span: MigrationRange, seen: RoundTrip, moved: bool) -> Callable[[], Dump | None] | None:
        """See `Dumped`. The schema before the round trip is that of the source. Dumps are compared now if this is the last chance:
        the clone, or an object in it, would be gone afterwards."""
        if self._together == 1:
            return self._source.dump if self._fresh and self._source else lambda: self._dump
        due = self._last or moved or seen.touched or len(self.unchecked) + 1 >= self._together
        due = due or any(item.change == "removed" for item in seen.changes)
        if self._source is None or not self._dumps or not due:
            return None
        if self._scratch.server_objects() != self._source_server:  # the clone's would be in the way of the source
            self._together = 1
            return None
        return partial(self._dump_source, self._source, span.start)

    def _dump_source(self, source: ScratchDatabase, revision: str | None) -> Dump | None:
        self._migrate_source(revision)
        found = source.dump()
        self._dumps = found is not None
        return found

    def _repeat(self, span: MigrationRange) -> tuple[Catalog, Catalog] | None:
        self._recreate_clone(span.start)
        assert self._clone is not None
        self._stale = True
        return repeat(self._clone, self._tool_at(self._clone, span.start), span, self._terms)

    def _verify_rows(self, found: RoundTrip, report: MigrationReport, span: MigrationRange) -> MigrationReport:
        """Verify again on clones of the source, which has the previous rows; with generated rows if some may be lost."""
        doubts = doubt(report) or changed_rows(self._changed(span.end))
        if self._source is None and (doubts or found.touched):
            return replace(report, warnings=(*report.warnings, f"{BESIDE} that uses the same roles; {UNSEEN}"))
        if (not found.touched or found.rows_compared) and not (doubts and self._fill):
            return replace(report, warnings=(*report.warnings, f"{doubts}; {UNSEEN}")) if doubts else report
        if self._scratch.server_objects() == self._source_server:
            self._migrate_source(span.start)
            self._source_server = self._scratch.server_objects()
        else:  # the clone's would be in the way
            self._recreate_clone(span.start)
            self._stale = True
        assert self._source is not None
        return verify(
            self._scratch, self._source, lambda database: self._tool_at(database, span.start), mode=SCHEMA,
            timeout=self._terms.timeout, on_line=self._terms.on_line, fill=self._fill, span=span, watched=self._terms.watched,
            changed=lambda: self._changed(span.end),
        )  # fmt: skip

    def _rows_as_in_source(self, found: RoundTrip, report: MigrationReport, span: MigrationRange) -> bool:
        """Whether the clone, where the migration was applied twice, has the rows of a database where it was applied once: a
        sequence goes on, so other numbers may be in the rows. The next migration would meet rows that no environment has."""
        if not found.touched or report.verdict == IRREVERSIBLE:
            return True
        if self._stale or self._scratch.server_objects() != self._source_server:
            return False
        assert self._source is not None
        assert self._clone is not None
        assert found.catalog is not None
        self._migrate_source(span.end)
        columns = {table: found.catalog.order[table] for table in found.touched if table in found.catalog.order}
        return all(self._source.content(*item) == self._clone.content(*item) for item in columns.items())

    def _recreate_clone(self, revision: str | None) -> None:
        """Recreate the clone at this revision, as if no down migration had run."""
        self._give_up()
        self._drop_clone()
        if self._source is None:
            self._source = self._scratch.create(like=self._base.database if self._base else None)
            self._source_at, self._source_server = self._base.revision if self._base else None, self._server
        self._scratch.restore_server_objects(self._source_server)
        self._migrate_source(revision)
        self._source_server = self._scratch.server_objects()
        self._clone = self._scratch.create(like=self._source)
        self._look(revision)

    def _clone_alone(self, revision: str | None) -> None:
        """Recreate the clone without the source."""
        self._give_up()
        self.reset()
        self._clone = self._scratch.create()
        self._migrate(self._clone, None, revision)
        self._look(revision)

    def _look(self, revision: str | None) -> None:
        assert self._clone is not None
        own = self._tool_at(self._clone, revision).own_tables()
        self._catalog, self._dump, self._fresh = own.without_history(self._clone.catalog()), None, True
        self._clone_at, self._stale = revision, False

    def _migrate_source(self, revision: str | None) -> None:
        """Migrate the source up to this revision."""
        assert self._source is not None
        self._migrate(self._source, self._source_at, revision)
        self._source_at = revision

    def _migrate(self, database: ScratchDatabase, start: str | None, revision: str | None) -> None:
        if revision is None or revision == start:
            return
        tool = self._tool_at(database, start)
        _, failure = run("up", database, lambda on_line: tool.up(on_line, revision), self._terms, tool.own_tables())
        if failure:
            raise ProofError(
                f"the migrations up to {revision} can't be applied one after the other: {failure.message}",
                hint="each of them was applied alone, but not after the others; run them with the tool itself to see why",
            ) from failure

    def _drop_clone(self) -> None:
        if self._clone is not None:
            self._scratch.drop(self._clone)
            self._clone, self._stale = None, True

    def _drop_source(self) -> None:
        if self._source is not None:
            self._scratch.drop(self._source)
            self._source = None

    def _before(self, index: int) -> str | None:
        if index:
            return self._revisions[index - 1]
        return self._base.revision if self._base else None
