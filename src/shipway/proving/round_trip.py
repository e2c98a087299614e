"""One round trip in one database: up, down and up again, and the differences after each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from shipway.domain.catalog import Catalog, Content, Difference, compare
from shipway.domain.errors import Irreversible, MigrationFailed, ProofError
from shipway.domain.own_tables import OwnTables
from shipway.domain.proof import Loss, Stage
from shipway.domain.value import dataclass
from shipway.ports import DatabaseTool, OnLine, ScratchDatabase
from shipway.proving.dumps import Dump, compare_dumps
from shipway.proving.stage import Terms, run
from shipway.proving.verdict import Findings, order_of
from shipway.system.parallel import side_by_side

Touched = Mapping[str, int | None]


@dataclass(frozen=True)
class MigrationRange:
    """The range of migrations: from the revision `start` (None: nothing applied) up to the last of `migrations`."""

    start: str | None
    migrations: tuple[str, ...]  # oldest first, at least one

    @property
    def end(self) -> str:
        return self.migrations[-1]


@dataclass(frozen=True)
class RoundTrip:
    """The result, and the database's current revision."""

    findings: Findings
    stages: tuple[Stage, ...]
    changes: tuple[Difference, ...] = ()  # by the up migrations
    touched: tuple[str, ...] = ()  # previously existing tables whose rows the up migrations changed
    warnings: tuple[str, ...] = ()
    catalog: Catalog | None = None  # once everything is applied again; None otherwise
    dump: Dump | None = None  # likewise
    compared: bool = False  # whether dumps were compared
    after: Catalog | None = None  # after up, and after down
    restored: Catalog | None = None
    reached: str | None = None  # the revision after a failed up migration
    rows_compared: bool = False  # whether rows were compared with the previous ones


# What dumps the schema before the round trip, which it gets as far as it is known, and whether columns have moved; None: dumps
# need not be compared.
Dumped = Callable[[RoundTrip, bool], Callable[[], Dump | None] | None]


def round_trip(
    database: ScratchDatabase, tool: DatabaseTool, span: MigrationRange, before: Catalog, terms: Terms,
    *, template: ScratchDatabase | None = None, previous: Callable[[], ScratchDatabase | None] | None = None,
    dumped: Dumped | None = None, dump_again: bool = False,
) -> RoundTrip:  # fmt: skip
    """Run up, down, up. With `template`, a database with the previous rows, rows are compared with it after the down
    migrations. `before` is without the tool's migration history. `previous` returns such a database if it has one: it is only
    asked if the up migrations change rows of previously existing tables.

    `dumped` returns what dumps the schema before: if the catalogs are equal after the down migrations, the dumps are compared.
    `dump_again`: dump the schema at the end, for the next round trip.
    """
    own = tool.own_tables()

    colliding = () if template else database.collisions()

    def up(on_line: OnLine) -> None:
        tool.up(on_line, span.end)

    stage, failure = run("up", database, up, terms, own)
    if failure:
        reached, left = _left(database, tool, own, span.start, before)
        return RoundTrip(Findings(up_failed=failure.message, left=left), (stage,), reached=reached)
    after = own.without_history(database.catalog())
    touched = {table: count for table, count in database.touched().items() if not own.is_history(table)}
    stages = [replace(stage, rows={table: count for table, count in touched.items() if count})]
    changes = compare(before, after)
    seen = RoundTrip(Findings(), (), changes, tuple(table for table in touched if table in before.order))

    stage, failure = run("down", database, lambda on_line: tool.down(span.start, on_line), terms, own)
    stages.append(stage)
    if failure:
        if isinstance(failure, Irreversible):
            return replace(seen, findings=Findings(no_down=failure.message), stages=tuple(stages), catalog=after)
        _, left = _left(database, tool, own, span.end, after)
        return replace(seen, findings=Findings(down_failed=failure.message, left=left), stages=tuple(stages))
    restored = own.without_history(database.catalog())
    doubtful = [notice for notice in stage.notices if terms.scratch.skipped(notice)]
    warnings = tuple(f"the down migration reports: {notice}; is the name mistyped?" for notice in doubtful)
    seen = replace(seen, warnings=warnings, after=after, restored=restored)
    if changes and restored == after:
        return replace(seen, findings=Findings(idle_down=True), stages=tuple(stages), catalog=after)
    cosmetic, differences = _split(compare(before, restored), terms)
    order = order_of(before, restored)
    earlier = dumped(seen, bool(order)) if dumped and not differences and not cosmetic else None
    with ThreadPoolExecutor(1) as pool:  # a dump takes long, and reads no rows
        dumping = pool.submit(database.dump) if earlier else None
        losses: tuple[Loss, ...] = ()
        if rows := template or (previous() if previous and seen.touched else None):
            losses = lost_rows(rows, database, suspects(seen, before, database.touched()), before, restored, own)
            seen = replace(seen, rows_compared=True)
        collisions = new_collisions(template.collisions if template else lambda: colliding, database)
        old = earlier() if earlier else None
    if dumping:
        new = dumping.result()
        differences = compare_dumps(old, new, own) if old is not None and new is not None else ()
        seen = replace(seen, compared=True)
    findings = Findings(differences=differences, cosmetic=cosmetic, order=order, losses=losses, collisions=collisions)
    stage, failure = run("up again", database, up, terms, own)
    seen = replace(seen, stages=(*stages, stage))
    if failure:
        _, left = _left(database, tool, own, span.start, restored)
        return replace(seen, findings=replace(findings, again_failed=failure.message, left=left))
    catalog, dump = side_by_side(lambda read: read(), (database.catalog, database.dump if dump_again else _nothing))
    assert isinstance(catalog, Catalog)
    assert not isinstance(dump, Catalog)
    again = own.without_history(catalog)
    findings = replace(findings, again=_split(compare(after, again), terms)[1])
    return replace(seen, findings=findings, catalog=again, dump=dump)


def _left(
    database: ScratchDatabase, tool: DatabaseTool, own: OwnTables, revision: str | None, known: Catalog
) -> tuple[str | None, tuple[Difference, ...]]:
    """The revision after a failure, and if that is still `revision`, what differs from its known catalog: the failed
    migration's own changes."""
    try:
        reached = tool.current()
        if reached != revision:
            return reached, ()
        return reached, tuple(compare(known, own.without_history(database.catalog())))
    except (MigrationFailed, ProofError):  # the failure itself is reported
        return revision, ()


def _nothing() -> None:
    """In place of a dump that is not needed."""


def _split(differences: Sequence[Difference], terms: Terms) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Cosmetic ones, and the others."""
    cosmetic = tuple(item for item in differences if item.change == "changed" and terms.scratch.cosmetic(item))
    return cosmetic, tuple(item for item in differences if item not in cosmetic)


def suspects(seen: RoundTrip, before: Catalog, touched: Touched) -> list[str]:
    """Previously existing tables that may have lost data: touched, or with a dropped or retyped column."""
    lost = [item.name for item in seen.changes if item.kind in ("table", "column") and item.change != "added"]
    return [
        table for table in before.order if table in touched or any(f"{name}.".startswith(f"{table}.") for name in lost)
    ]


def lost_rows(
    template: ScratchDatabase,
    database: ScratchDatabase,
    tables: Sequence[str],
    before: Catalog,
    restored: Catalog,
    own: OwnTables,
) -> tuple[Loss, ...]:
    """Lost, changed or added rows and values of these tables. A missing table or column counts as a schema difference
    instead, and rows that the tool adds by itself are none."""
    found = []
    for table in tables:
        columns = [name for name in before.order[table] if name in restored.order.get(table, ())]
        if table not in restored.order:
            continue
        old, new = side_by_side(partial(_content, table, columns), (template, database))
        other = tuple(name for name in columns if old.columns.get(name) != new.columns.get(name))
        if old.rows == new.rows and not other and old.whole != new.whole:
            other = tuple(columns)  # values were exchanged between rows
        if old.rows == new.rows and not other:
            continue
        if new.rows > old.rows and _only_added(template, database, table, columns):
            found += [] if own.is_kept(table) else [Loss(table, (old.rows, new.rows), only_added=True)]
        else:
            found.append(Loss(table, (old.rows, new.rows), other))
    return tuple(found)


def _only_added(before: ScratchDatabase, after: ScratchDatabase, table: str, columns: Sequence[str]) -> bool:
    """Whether all earlier rows are there, unchanged in these columns."""
    with before.hashes(table, columns) as old, after.hashes(table, columns) as new:
        return all(_found(one, new) for one in old)


def _found(wanted: int, ascending: Iterator[int]) -> bool:
    """Whether the number is among the next ones; takes them."""
    return next((number == wanted for number in ascending if number >= wanted), False)


def _content(table: str, columns: Sequence[str], database: ScratchDatabase) -> Content:
    return database.content(table, columns)


def new_collisions(before: Callable[[], Sequence[str]], database: ScratchDatabase) -> tuple[str, ...]:
    """Sequences that were correct, and now are behind the rows."""
    found = database.collisions()
    earlier = before() if found else ()
    return tuple(name for name in found if name not in earlier)
