"""Migrations verified on a scratch server in memory: verdicts, reports, and that no clone remains."""

from __future__ import annotations

import pytest

from shipway.domain.catalog import Catalog
from shipway.domain.errors import MigrationFailed, ProofError
from shipway.domain.proof import (
    COLUMN_ORDER,
    DATA,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    ROWS,
    SCHEMA,
    MigrationReport,
)  # fmt: skip
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.ports import Fill, Rejected, ScratchDatabase
from shipway.proving.verify import verify
from shipway.testing.memory_scratch import MemoryScratch

TEMPLATE = "table items id name\nrow items 1 pen\nrow items 2 ink"


def migration(up: str, down: str | None, version: str = "1") -> Migration:
    back = None if down is None else SqlFile(f"{version}.down.sql", down)
    return Migration(version, "x", SqlFile(f"{version}.up.sql", up), back)


def verified(
    up: str, down: str | None, *, mode: str = DATA, template: str = TEMPLATE, fill: Fill | None = None,
    timeout: float = 60, watched: bool = True,
) -> MigrationReport:  # fmt: skip
    """The report on one migration; fails if a clone remains."""
    scratch = MemoryScratch()
    source = scratch.create()
    source.execute(template)
    try:
        return verify(
            scratch, source, lambda database: BareFolder(database, [migration(up, down)]),
            mode=mode, timeout=timeout, fill=fill, watched=watched,
        )  # fmt: skip
    finally:
        assert list(scratch.databases) == [source.name]


@pytest.mark.parametrize(
    ("up", "down", "verdict", "reason"),
    [
        ("table tags id", "drop tags", RESTORED, ""),
        ("column items note", "drop items.note", RESTORED, ""),
        ("column items note", "drop items.note\ndrop items.id", NOT_RESTORED, "column items.id removed"),
        ("drop items.name", "column items name", DATA_LOST, "different values in name (2 rows)"),
        ("drop items", "table items id name", DATA_LOST, "items has 0 rows; before: 2"),
        ("drop items", "table items name id", DATA_LOST, "items has 0 rows"),
        ("set items name x", "set items name y", DATA_LOST, "different values in name"),
        ("clear items\ntable tags id", "drop tags", DATA_LOST, "items has 0 rows; before: 2"),
        ("table tags id", None, IRREVERSIBLE, "no down migration for 1.up.sql (missing)"),
        ("table tags id", "-- later", IRREVERSIBLE, "1.up.sql (empty)"),
        ("-- nothing yet", None, RESTORED, ""),
        ("table tags id", "notice table tag does not exist, skipping", IRREVERSIBLE, "changes nothing"),
        ("table tags id\ntable marks id", "drop tags", FAILS, "the second up migration failed: 1.up.sql: marks already exists"),
        ("table tags id", "drop tag", FAILS, "the down migration failed: 1.down.sql: tag does not exist"),
        ("fail a syntax error", "drop tags", FAILS, "the up migration failed: 1.up.sql: a syntax error"),
    ],
)  # fmt: skip
def test_verdicts(up: str, down: str | None, verdict: str, reason: str) -> None:
    way = verified(up, down)
    assert (way.verdict, way.migrations) == (verdict, ("1",))
    assert reason in "\n".join(way.reasons)


def test_the_order_of_columns_is_a_verdict_of_its_own() -> None:
    way = verified("drop items.id", "column items id", template="table items id name")
    assert (way.verdict, way.differences) == (COLUMN_ORDER, ())
    assert "name, id; before: id, name" in way.reasons[0]


def test_the_report_has_stages_and_changes() -> None:
    way = verified("notice hello\ncolumn items note\nset items note x\nrewrite items", "drop items.note")
    assert [stage.name for stage in way.stages] == ["up", "down", "up again"]
    up = way.stages[0]
    assert (up.outcome, up.notices, up.rewrites, up.output) == ("succeeded", ("hello",), ("items",), ())
    assert [str(change) for change in way.changes] == ["column items.note added"]


def test_rows_that_were_changed_are_counted() -> None:
    assert verified("set items name x", "set items name y").stages[0].rows == {"items": 2}


def test_a_suspicious_notice_is_a_warning() -> None:
    down = "notice table itmes does not exist, skipping\ndrop items.note"
    way = verified("column items note", down)
    assert way.verdict == RESTORED
    assert way.warnings == ("the down migration reports: table itmes does not exist, skipping; is the name mistyped?",)


def test_a_failure_comes_with_the_remedies_of_its_server() -> None:
    assert verified("fail deadlock detected", None).warnings == ("release the lock",)


def test_a_migration_that_never_ends() -> None:
    way = verified("table tags id\nhang", "drop tags", timeout=0.05)
    assert way.verdict == FAILS
    assert way.reasons == ("the up migration failed: it timed out after 0.1 s and was interrupted (running: hang)",)
    assert way.stages[0].outcome == "failed"
    down = verified("table tags id", "hang", timeout=0.05)
    assert down.verdict == FAILS
    assert "the down migration failed: it timed out" in down.reasons[0]


def test_an_interrupt_leaves_no_clone() -> None:
    with pytest.raises(KeyboardInterrupt):
        verified("interrupt", "drop tags")
    with pytest.raises(KeyboardInterrupt):
        verified("drop items.name", "interrupt", mode=SCHEMA, template="table items id name", fill=fill_items)


def test_a_tool_that_breaks_leaves_no_clone() -> None:
    scratch = MemoryScratch()
    source = scratch.create()

    def tool_for(database: ScratchDatabase) -> BareFolder:
        raise MigrationFailed("the tool isn't there")

    with pytest.raises(MigrationFailed):
        verify(scratch, source, tool_for, mode=SCHEMA, timeout=1)
    assert list(scratch.databases) == [source.name]


def test_nothing_to_verify() -> None:
    scratch = MemoryScratch()
    source = scratch.create()
    with pytest.raises(ProofError, match="no migration is pending"):
        verify(scratch, source, lambda database: BareFolder(database, []), mode=SCHEMA, timeout=1)
    with pytest.raises(ProofError, match="9 is not pending; pending are: 1"):
        verify(
            scratch, source, lambda database: BareFolder(database, [migration("", "")]), mode=SCHEMA, timeout=1, to="9"
        )


def test_several_migrations_up_to_one_of_them() -> None:
    scratch = MemoryScratch()
    source = scratch.create()
    chain = [
        migration("table a id", None, "1"), migration("table b id", "drop b", "2"),
        migration("column b x", "drop b.x", "3"), migration("fail", "", "4"),
    ]  # fmt: skip
    source.execute("table a id")
    way = verify(scratch, source, lambda database: BareFolder(database, chain, "1"), mode=SCHEMA, timeout=9, to="3")
    assert (way.verdict, way.migrations) == (RESTORED, ("2", "3"))


EMPTY = "table items id name"


def fill_items(database: ScratchDatabase, catalog: Catalog, *, rejected: Rejected | None = None) -> dict[str, str]:
    assert "items" in catalog.order
    database.execute("row items 7 generated")
    return {}


def no_rows(database: ScratchDatabase, catalog: Catalog, *, rejected: Rejected | None = None) -> dict[str, str]:
    raise ProofError("a check refuses all rows")


def test_without_rows_a_loss_is_not_silently_restored() -> None:
    way = verified("drop items.name", "column items name", mode=SCHEMA, template=EMPTY)
    assert way.verdict == RESTORED
    assert "may hold rows (column items.name removed" in way.warnings[0]
    assert "was not tested" in way.warnings[0]


def test_generated_rows_show_a_loss() -> None:
    way = verified("drop items.name", "column items name", mode=SCHEMA, template=EMPTY, fill=fill_items)
    assert way.verdict == DATA_LOST
    assert way.reasons == ("items has different values in name (1 rows)",)
    assert [stage.name for stage in way.stages] == [
        "up",
        "down",
        "up again",
        "up, with rows",
        "down, with rows",
        "up again, with rows",
    ]
    assert "generated rows only" in way.warnings[0]
    assert (
        verified("drop items.name", "column items name", mode=ROWS, template=EMPTY, fill=fill_items).verdict
        == DATA_LOST
    )


def test_rows_are_not_generated_for_what_only_adds() -> None:
    way = verified("column items note", "drop items.note", mode=SCHEMA, template=EMPTY, fill=no_rows)
    assert (way.verdict, way.warnings) == (RESTORED, ())


def test_rows_that_can_not_be_generated() -> None:
    way = verified("drop items.name", "column items name", mode=SCHEMA, template=EMPTY, fill=no_rows)
    assert way.verdict == RESTORED
    assert "no rows could be generated (a check refuses all rows)" in way.warnings[0]
    assert (
        "no rows could be generated"
        in verified("drop items.name", "column items name", mode=ROWS, template=EMPTY, fill=no_rows).warnings[0]
    )


def test_generated_rows_that_the_up_migration_rejects_prove_nothing() -> None:
    def fill(database: ScratchDatabase, catalog: Catalog, *, rejected: Rejected | None = None) -> dict[str, str]:
        database.execute("table marks id")  # stands for a row that makes `up` fail
        return {}

    way = verified(
        "drop items.name\ntable marks id", "drop marks\ncolumn items name", mode=SCHEMA, template=EMPTY, fill=fill
    )
    assert way.verdict == RESTORED
    assert "with generated rows the up migration failed (1.up.sql: marks already exists)" in way.warnings[0]


def test_a_migration_that_only_changes_rows_is_tested_with_rows() -> None:
    way = verified("set items name x", "set items name y", mode=SCHEMA, template=EMPTY, fill=fill_items)
    assert way.verdict == DATA_LOST


def test_a_table_that_no_row_could_be_generated_for_is_named() -> None:
    def fill(database: ScratchDatabase, catalog: Catalog, *, rejected: Rejected | None = None) -> dict[str, str]:
        return {"items": "its checks refuse all", "other": "not asked for"}

    way = verified("drop items.name", "column items name", mode=SCHEMA, template=EMPTY, fill=fill)
    assert way.verdict == RESTORED
    assert (
        "no row could be generated for items (its checks refuse all): the effect on rows was not tested" in way.warnings
    )
    assert "not asked for" not in str(way.warnings)
