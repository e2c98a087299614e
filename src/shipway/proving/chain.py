"""Many migrations, from the oldest to the newest, each walked by itself: up, down, up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shipway.domain.catalog import Catalog
from shipway.domain.errors import ProofError
from shipway.domain.proof import COLUMN_ORDER, FAILS, IRREVERSIBLE, RESTORED, SCHEMA, Way
from shipway.ports import DatabaseTool, OnLine, Scratch, ScratchDatabase
from shipway.proving.rounds import Round, Span, walk_round
from shipway.proving.stage import Terms, run
from shipway.proving.walk import UNSEEN, Fill, doubt, walk, way_of

ToolAt = Callable[[ScratchDatabase, str | None], DatabaseTool]  # of a database, and the revision where it is
OnWay = Callable[[Way], None]


@dataclass(frozen=True)
class Base:
    """Where a chain begins: a database, which stays as it is, and the revision that it has."""

    database: ScratchDatabase
    revision: str | None


@dataclass(frozen=True)
class Chained:
    """Ways in their order. Fewer than asked for where the last one's way up failed: nothing can be built on it."""

    ways: tuple[Way, ...]
    asked: int


def ends(way: Way) -> bool:
    """Whether its first way up failed."""
    return way.verdict == FAILS and len(way.stages) == 1


def walk_chain(
    scratch: Scratch, tool_at: ToolAt, revisions: Sequence[str], on_way: OnWay, on_line: OnLine,
    *, timeout: float | None, start: int = 0, stop: int | None = None, fill: Fill | None = None, base: Base | None = None,
) -> Chained:  # fmt: skip
    """Walk those from index `start` to before `stop`; what is before them is applied. `on_way` gets each as it is found.
    They follow what `base` has; None: an empty database.

    With `fill`, ways that may lose rows are walked once more with generated ones. No database is left. ProofError where
    the server fails, or what is before the first one does.
    """
    with _Chain(scratch, tool_at, revisions, Terms(timeout, on_line, watched=False), fill, base) as chain:
        chain.begin(start)
        asked = range(start, len(revisions) if stop is None else stop)
        ways: list[Way] = []
        for index in asked:
            ways.append(chain.walk(index))
            on_way(ways[-1])
            if ends(ways[-1]):
                break
        return Chained(tuple(ways), len(asked))


class _Chain:
    """Two databases: `trail` only ever goes up, and only as far as it is needed; ways are walked in `trial`, a clone of it.
    Where a way back leaves anything else than was there, trial is made anew, so that the next one isn't blamed for it."""

    def __init__(
        self, scratch: Scratch, tool_at: ToolAt, revisions: Sequence[str], terms: Terms, fill: Fill | None, base: Base | None
    ) -> None:
        self._scratch, self._tool_at, self._revisions, self._terms, self._fill = scratch, tool_at, revisions, terms, fill
        self._base = base
        self._trail: ScratchDatabase | None = None
        self._trail_at = base.revision if base else None
        self._trial: ScratchDatabase | None = None
        self._catalog = Catalog()  # of trial
        self._fresh = True  # nothing was walked in it yet

    def __enter__(self) -> _Chain:
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

    def walk(self, index: int) -> Way:
        """The way of one migration; trial has it applied afterwards, unless its way up fails."""
        span = Span(self._before(index), (self._revisions[index],))
        found = self._round(span)
        way = way_of(found, span)
        if way.verdict == FAILS and not self._fresh:  # is it to blame, or what was walked before?
            self._renew(span.start)
            found = self._round(span)
            way = way_of(found, span)
        if ends(way):
            return way
        if way.verdict in (RESTORED, COLUMN_ORDER):
            way = self._look_at_rows(found, way, span)
        if found.catalog is None or found.touched or way.verdict not in (RESTORED, IRREVERSIBLE):
            self._renew(span.end)
        else:
            self._catalog, self._fresh = found.catalog, False
        return way

    def _round(self, span: Span) -> Round:
        assert self._trial is not None
        known = {} if self._fresh else self._trial.touched()
        return walk_round(self._trial, self._tool_at(self._trial, span.start), span, self._catalog, self._terms, known=known)

    def _look_at_rows(self, found: Round, way: Way, span: Span) -> Way:
        """Again, on clones of trail, which has the rows of before; with generated ones where some may be lost."""
        doubts = doubt(way)
        if not found.touched and not (doubts and self._fill):
            return replace(way, warnings=(*way.warnings, f"{doubts}; {UNSEEN}")) if doubts else way
        self._follow(span.start)
        assert self._trail is not None
        return walk(
            self._scratch, self._trail, lambda database: self._tool_at(database, span.start), mode=SCHEMA,
            timeout=self._terms.timeout, on_line=self._terms.on_line, fill=self._fill, span=span, watched=False,
        )  # fmt: skip

    def _renew(self, revision: str | None) -> None:
        """Trial as it is with this revision, as if no way down had ever been walked."""
        self._follow(revision)
        self._drop_trial()
        self._trial = self._scratch.create(like=self._trail)
        self._catalog, self._fresh = self._trial.catalog(), True

    def _follow(self, revision: str | None) -> None:
        """Bring trail up to it."""
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
