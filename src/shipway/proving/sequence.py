"""Verify many migrations, oldest first, each by its own round trip: up, down, up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shipway.domain.catalog import Catalog
from shipway.domain.errors import ProofError
from shipway.domain.proof import COLUMN_ORDER, FAILS, IRREVERSIBLE, RESTORED, SCHEMA, MigrationReport
from shipway.ports import DatabaseTool, Fill, OnLine, Scratch, ScratchDatabase
from shipway.proving.round_trip import MigrationRange, RoundTrip, round_trip
from shipway.proving.stage import Terms, run
from shipway.proving.verify import UNSEEN, doubt, report_of, verify

ToolAt = Callable[[ScratchDatabase, str | None], DatabaseTool]  # for a database at a revision
OnWay = Callable[[MigrationReport], None]


@dataclass(frozen=True)
class Base:
    """The start of a sequence: an unmodified database, and its revision."""

    database: ScratchDatabase
    revision: str | None


@dataclass(frozen=True)
class SequenceReport:
    """The migrations' results in order. Fewer than requested if the last one's up migration failed: nothing can follow
    it."""

    ways: tuple[MigrationReport, ...]
    asked: int


def ends(way: MigrationReport) -> bool:
    """Whether its first up migration failed."""
    return way.verdict == FAILS and len(way.stages) == 1


def verify_sequence(
    scratch: Scratch, tool_at: ToolAt, revisions: Sequence[str], on_way: OnWay, on_line: OnLine,
    *, timeout: float | None, start: int = 0, stop: int | None = None, fill: Fill | None = None, base: Base | None = None,
) -> SequenceReport:  # fmt: skip
    """Verify the migrations from index `start` to before `stop`; earlier ones are applied first. They follow the
    revision of `base`; None: an empty database. `on_way` receives each result.

    With `fill`, migrations that may lose rows are verified again with generated rows. All databases are dropped.
    ProofError if the server or an earlier migration fails.
    """
    with _Sequence(scratch, tool_at, revisions, Terms(scratch, timeout, on_line, watched=False), fill, base) as chain:
        chain.begin(start)
        asked = range(start, len(revisions) if stop is None else stop)
        ways: list[MigrationReport] = []
        for index in asked:
            ways.append(chain.verify(index))
            on_way(ways[-1])
            if ends(ways[-1]):
                break
        return SequenceReport(tuple(ways), len(asked))


class _Sequence:
    """Two databases: `trail` is only migrated up, as far as needed; round trips run in `trial`, a clone of it. If a
    down migration doesn't restore it, trial is recreated, so that the next migration isn't blamed for that."""

    def __init__(
        self,
        scratch: Scratch,
        tool_at: ToolAt,
        revisions: Sequence[str],
        terms: Terms,
        fill: Fill | None,
        base: Base | None,
    ) -> None:
        self._scratch, self._tool_at, self._revisions, self._terms, self._fill = (
            scratch,
            tool_at,
            revisions,
            terms,
            fill,
        )
        self._base = base
        self._trail: ScratchDatabase | None = None
        self._trail_at = base.revision if base else None
        self._trial: ScratchDatabase | None = None
        self._catalog = Catalog()  # of trial
        self._fresh = True  # no migration was verified in it yet

    def __enter__(self) -> _Sequence:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._drop_trial()
        finally:
            if self._trail is not None:
                self._scratch.drop(self._trail)

    def begin(self, index: int) -> None:
        self._trail = self._scratch.create(like=self._base.database if self._base else None)
        self._renew(self._before(index))

    def verify(self, index: int) -> MigrationReport:
        """Verify one migration; afterwards it is applied in trial, unless its up migration fails."""
        span = MigrationRange(self._before(index), (self._revisions[index],))
        found = self._round(span)
        way = report_of(found, span, self._scratch)
        if way.verdict == FAILS and not self._fresh:  # caused by it, or by earlier migrations?
            self._renew(span.start)
            found = self._round(span)
            way = report_of(found, span, self._scratch)
        if ends(way):
            return way
        if way.verdict in (RESTORED, COLUMN_ORDER):
            way = self._look_at_rows(found, way, span)
        if found.catalog is None or found.touched or way.verdict not in (RESTORED, IRREVERSIBLE):
            self._renew(span.end)
        else:
            self._catalog, self._fresh = found.catalog, False
        return way

    def _round(self, span: MigrationRange) -> RoundTrip:
        assert self._trial is not None
        known = {} if self._fresh else self._trial.touched()
        return round_trip(
            self._trial, self._tool_at(self._trial, span.start), span, self._catalog, self._terms, known=known
        )

    def _look_at_rows(self, found: RoundTrip, way: MigrationReport, span: MigrationRange) -> MigrationReport:
        """Verify again on clones of trail, which has the previous rows; with generated rows if some may be lost."""
        doubts = doubt(way)
        if not found.touched and not (doubts and self._fill):
            return replace(way, warnings=(*way.warnings, f"{doubts}; {UNSEEN}")) if doubts else way
        self._follow(span.start)
        assert self._trail is not None
        return verify(
            self._scratch, self._trail, lambda database: self._tool_at(database, span.start), mode=SCHEMA,
            timeout=self._terms.timeout, on_line=self._terms.on_line, fill=self._fill, span=span, watched=False,
        )  # fmt: skip

    def _renew(self, revision: str | None) -> None:
        """Recreate trial at this revision, as if no down migration had run."""
        self._follow(revision)
        self._drop_trial()
        self._trial = self._scratch.create(like=self._trail)
        self._catalog, self._fresh = self._trial.catalog(), True

    def _follow(self, revision: str | None) -> None:
        """Migrate trail up to this revision."""
        if revision is None or revision == self._trail_at:
            return
        assert self._trail is not None
        trail, tool = self._trail, self._tool_at(self._trail, self._trail_at)
        _, failure = run("trail", trail, lambda on_line: tool.up(on_line, revision), self._terms)
        if failure:
            raise ProofError(
                f"the migrations up to {revision} can't be applied one after the other: {failure.message}",
                hint="roles and tablespaces belong to the whole server: what was made of them for one database is in the way of another",
            ) from failure
        self._trail_at = revision

    def _drop_trial(self) -> None:
        if self._trial is not None:
            self._scratch.drop(self._trial)
            self._trial = None

    def _before(self, index: int) -> str | None:
        if index:
            return self._revisions[index - 1]
        return self._base.revision if self._base else None
