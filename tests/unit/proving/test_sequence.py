"""Sequences of migrations on a scratch server in memory: each verdict is its own migration's, and no database remains."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pytest

from shipway.actions.proofs.folder import MigrationFolder, Options, prove_folder, refusal
from shipway.actions.proofs.folder_selection import Listed, Selection
from shipway.domain.catalog import Catalog
from shipway.domain.errors import MigrationFailed, NotProven, ProofError, UsageError
from shipway.domain.proof import (
    COLUMN_ORDER,
    COSMETIC,
    DATA_LOST,
    FAILS,
    IRREVERSIBLE,
    NOT_RESTORED,
    RESTORED,
    ROWS_ADDED,
    SKIPPED,
    MigrationReport,
)
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Migration, SqlFile
from shipway.ports import Fill, OnLine, ScratchDatabase
from shipway.proving.report.folder_results import counts
from shipway.proving.sequence import Base, SequenceReport, verify_sequence
from shipway.testing.memory_scratch import MemoryScratch, MemoryScratchDatabase


def verified(
    *scripts: tuple[str, str | None],
    first: str | None = None,
    only: Sequence[str] = (),
    since: str | None = None,
    fill: Fill | None = None,
    seen: list[MigrationReport] | None = None,
) -> SequenceReport:
    """Migrations 01, 02 … of these scripts for up and down; fails if a database remains."""
    migrations = [
        Migration(
            f"{number:02}",
            "x",
            SqlFile(f"{number:02}.up", up),
            None if down is None else SqlFile(f"{number:02}.down", down),
        )
        for number, (up, down) in enumerate(scripts, 1)
    ]
    scratch = MemoryScratch(fill)
    folder = MigrationFolder(
        scratch,
        lambda database, at: BareFolder(database, migrations, at),
        [Listed(item.version, item.name, (item.up.path,)) for item in migrations],
    )
    try:
        return prove_folder(
            folder, Selection(first, since, tuple(only)), Options(1, rows=fill is not None),
            (seen if seen is not None else []).append,
        )  # fmt: skip
    finally:
        assert not scratch.databases
        assert not scratch.roles


def verdicts(done: SequenceReport) -> list[str]:
    return [report.verdict for report in done.reports]


GOOD = ("table a id", "drop a")


def test_each_verdict_is_its_own() -> None:
    done = verified(
        GOOD,
        ("table b x y", None),
        ("table c id\ntable d id", "drop c"),
        ("column a note", "drop a.note\ntable e id"),
        ("drop b.x", "column b x"),
        ("column a more", "drop a.nothing"),
        ("column a last", "drop a.last"),
    )
    assert verdicts(done) == [RESTORED, IRREVERSIBLE, FAILS, NOT_RESTORED, COLUMN_ORDER, FAILS, RESTORED]
    assert [str(difference) for difference in done.reports[3].differences] == ["column e.id added", "table e added"]
    assert done.requested == 7


def test_an_up_migration_that_fails_ends_the_sequence() -> None:
    seen: list[MigrationReport] = []
    done = verified(GOOD, ("fail no such type", ""), ("table b id", "drop b"), seen=seen)
    assert verdicts(done) == [RESTORED, FAILS]
    assert tuple(seen) == done.reports
    failure = refusal(done)
    assert isinstance(failure, NotProven)
    assert (
        failure.message
        == "the up migration 02 fails, so the 1 after it were not tested; 1 of 2 tested migrations can't be reverted"
    )
    assert "--from 02" in failure.hint


def test_an_earlier_migration_is_not_blamed_on_the_next() -> None:
    done = verified(GOOD, ("column a x", "drop a.x\ntable b id"), ("table b id", "drop b"))
    assert verdicts(done) == [RESTORED, NOT_RESTORED, RESTORED]


def test_rows_that_a_migration_leaves_are_seen_without_generated_ones() -> None:
    done = verified(GOOD, ("row a 1", "notice nothing to do"), ("row a 2", "clear a"), ("table b id", "drop b"))
    assert verdicts(done) == [RESTORED, ROWS_ADDED, DATA_LOST, RESTORED]
    assert done.reports[1].reasons == ("a has 1 rows; before: 0. All earlier rows are unchanged, 1 were added",)
    assert done.reports[2].reasons == ("a has 0 rows; before: 1",)


def test_generated_rows() -> None:
    def fill(database: ScratchDatabase, catalog: Catalog) -> dict[str, str]:
        for table, columns in catalog.order.items():
            database.execute(f"row {table} {' '.join('v' for _ in columns)}")
        return {}

    scripts = [("table a id note", "drop a"), ("drop a.note", "column a note"), ("column a x", "drop a.x")]
    assert verdicts(verified(*scripts)) == [RESTORED, RESTORED, RESTORED]
    assert "was not tested" in verified(*scripts).reports[1].warnings[0]
    assert verdicts(verified(*scripts, fill=fill)) == [RESTORED, DATA_LOST, RESTORED]


def test_a_part_of_the_sequence() -> None:
    scripts = [GOOD, ("table b id", None), ("table c id", "drop c"), ("table d id", "drop d")]
    done = verified(*scripts, first="3")
    assert ([report.migrations for report in done.reports], verdicts(done)) == (
        [("03",), ("04",)],
        [RESTORED, RESTORED],
    )
    done = verified(*scripts, only=["02"])
    assert ([report.migrations for report in done.reports], done.requested) == ([("02",)], 1)
    with pytest.raises(ProofError, match="the folder has no migration 7"):
        verified(*scripts, only=["7"])


def test_parts_with_gaps_are_as_in_the_whole_sequence() -> None:
    scripts = [GOOD, ("column a x", None), ("row a 1 2", "clear a"), ("column a y", "drop a.y"), ("table b id", "")]
    whole = {report.migrations: report.verdict for report in verified(*scripts).reports}
    for only in (["1", "4"], ["02", "04"], ["3", "5"], ["5", "1"]):
        done = verified(*scripts, only=only)
        assert [report.migrations[0] for report in done.reports] == sorted(f"{int(name):02}" for name in only)
        assert {report.migrations: whole[report.migrations] for report in done.reports} == {
            report.migrations: report.verdict for report in done.reports
        }
    assert verdicts(verified(*scripts, since="04")) == [whole[("05",)]]
    assert verified(*scripts, since="05") == SequenceReport((), 0)


def test_a_report_is_given_before_the_next_migration_can_fail() -> None:
    """The source, to which earlier migrations are applied for a new clone, may fail where the clone did not."""
    seen: list[MigrationReport] = []
    migrations = [
        Migration(f"{number:02}", "x", SqlFile(f"{number:02}.up", up), SqlFile(f"{number:02}.down", down))
        for number, (up, down) in enumerate([GOOD, ("table b id", "drop c"), GOOD], 1)
    ]

    class Source(BareFolder):
        def up(self, on_line: OnLine, to: str | None = None) -> None:
            if to == "02" and len(seen) == 2:
                raise MigrationFailed("role r already exists")
            super().up(on_line, to)

    scratch = MemoryScratch()
    listed = [Listed(item.version) for item in migrations]
    folder = MigrationFolder(scratch, lambda database, at: Source(database, migrations, at), listed)
    with pytest.raises(ProofError, match=r"the migrations up to 02 can't be applied .* role r already exists"):
        prove_folder(folder, Selection(), Options(1), seen.append)
    assert [report.verdict for report in seen] == [RESTORED, FAILS]
    assert not scratch.databases


def test_a_lost_server_is_no_verdict() -> None:
    class Lost(MemoryScratch):
        def version(self) -> str:
            raise ProofError("connection refused")

    seen: list[MigrationReport] = []
    migration = Migration("01", "x", SqlFile("up", "fail server closed the connection"), None)
    folder = MigrationFolder(Lost(), lambda database, at: BareFolder(database, [migration], at), [Listed("01")])
    with pytest.raises(ProofError, match="connection refused"):
        prove_folder(folder, Selection(), Options(1), seen.append)
    assert not seen


def test_skipped_migrations_are_reported_and_fail_only_if_asked() -> None:
    seen: list[MigrationReport] = []
    migration = Migration("01", "x", SqlFile("up", "table a id"), SqlFile("down", "drop a"))
    folder = MigrationFolder(
        MemoryScratch(), lambda database, at: BareFolder(database, [migration], at), [Listed("01")],
        [Listed("00_code", reason="it is written in Go"), Listed("02_code", reason="it is written in Go", position=1)],
    )  # fmt: skip
    done = prove_folder(folder, Selection(), Options(1), seen.append)
    found = [(item.migrations[0], item.verdict) for item in seen]
    assert found == [("00_code", SKIPPED), ("01", RESTORED), ("02_code", SKIPPED)], "in their place"
    assert tuple(seen) == done.reports
    assert done.requested == 1
    assert refusal(done) is None
    failure = refusal(done, strict=True)
    assert failure is not None
    assert failure.message == "2 of 3 migrations were skipped, which --strict doesn't accept"
    done = prove_folder(folder, Selection(only=("02_code",)), Options(1), seen.append)
    assert [item.verdict for item in done.reports] == [SKIPPED]


def test_locks_are_recorded_if_asked() -> None:
    migrations = [Migration("01", "x", SqlFile("up", "table a id"), SqlFile("down", "drop a"))]
    migrations += [Migration("02", "x", SqlFile("up", "rewrite a"), SqlFile("down", "rewrite a"))]
    listed = [Listed(item.version) for item in migrations]
    for watched, rewrites in ((True, ("a",)), (False, ())):
        folder = MigrationFolder(MemoryScratch(), lambda database, at: BareFolder(database, migrations, at), listed)
        done = prove_folder(folder, Selection(), Options(1, watched=watched), lambda report: None)
        assert done.reports[1].stages[0].rewrites == rewrites


def test_the_migrations_before_the_first_one_must_succeed() -> None:
    with pytest.raises(ProofError, match=r"the migrations up to 02 can't be applied .* 02.up: no such type"):
        verified(GOOD, ("fail no such type", ""), GOOD, first="03")


def test_an_interrupt_leaves_nothing() -> None:
    with pytest.raises(KeyboardInterrupt):
        verified(GOOD, ("table b id", "interrupt"))


def test_counts() -> None:
    done = verified(GOOD, ("table b id", None), ("table c id", None))
    assert counts(done.reports) == {RESTORED: 1, IRREVERSIBLE: 2}
    assert refusal(verified(GOOD)) is None
    failure = refusal(done)
    assert failure is not None
    assert failure.message == "2 of 3 migrations can't be reverted"


class Linter:
    """Warns of each script's first line."""

    def lint(self, scripts: Mapping[str, str], version: str | None = None) -> Mapping[str, Sequence[tuple[int, str]]]:
        return {path: [(1, f"{text} is slow")] for path, text in scripts.items() if "slow" in path}


def test_each_warning_of_the_linter_is_about_its_own_migration() -> None:
    migrations = [
        Migration(version, "x", SqlFile(path, f"table {version} id"), SqlFile("down", f"drop {version}"))
        for version, path in (("01", "quick"), ("02", "slow"))
    ]
    scratch, scripts = MemoryScratch(), {item.version: (item.up.path, item.up.text) for item in migrations}
    folder = MigrationFolder(
        scratch, lambda database, at: BareFolder(database, migrations, at), [Listed("01"), Listed("02")],
        scripts=scripts, linter=Linter(),
    )  # fmt: skip
    seen: list[MigrationReport] = []
    done = prove_folder(folder, Selection(), Options(1, lint=True), seen.append)
    assert [report.warnings for report in done.reports] == [(), ("slow:1: table 02 id is slow",)]
    assert tuple(seen) == done.reports
    plain = dataclasses.replace(folder, linter=None)
    with pytest.raises(UsageError, match="--lint"):
        prove_folder(plain, Selection(), Options(1, lint=True), seen.append)
    with pytest.raises(UsageError, match="--rows"):
        prove_folder(plain, Selection(), Options(1, rows=True), seen.append)


def test_a_sequence_that_follows_a_base() -> None:
    migrations = [
        Migration("01", "x", SqlFile("01.up", "table a id"), SqlFile("01.down", "drop a")),
        Migration("02", "x", SqlFile("02.up", "column a note"), SqlFile("02.down", "drop a.note")),
        Migration("03", "x", SqlFile("03.up", "table b id"), SqlFile("03.down", "drop a")),
    ]
    scratch = MemoryScratch()
    base = scratch.create()
    BareFolder(base, migrations[:1]).up(lambda line: None)
    before = base.catalog()
    done = verify_sequence(
        scratch, lambda database, at: BareFolder(database, migrations, at), ["02", "03"], lambda way: None, lambda line: None,
        timeout=1, base=Base(base, "01"),
    )  # fmt: skip
    assert [(report.migrations, report.verdict) for report in done.reports] == [(("02",), RESTORED), (("03",), FAILS)]
    assert base.catalog() == before
    scratch.drop(base)
    assert not scratch.databases


def test_rows_that_are_added_to_others() -> None:
    """In a table with earlier rows, also if one of these is changed."""
    rows = "table a id note\nrow a 1 x\nrow a 2 y"
    done = verified((rows, "drop a"), ("row a 3 z", "notice nothing"), ("row a 4 z\nset a note w", "notice nothing"))
    assert verdicts(done) == [RESTORED, ROWS_ADDED, DATA_LOST]


def test_what_differs_each_time_is_not_compared() -> None:
    """A down migration that sets another time is not blamed for it, but for everything else."""
    done = verified(
        ("table a id\nstamp a\ntable b id", "drop a\ndrop b"),
        ("drop b", "stamp a\ntable b id"),
        ("column a x", "drop a.x\nsetting fsync off"),
        ("column a y", "drop a.y"),
    )
    assert verdicts(done) == [RESTORED, RESTORED, NOT_RESTORED, RESTORED]
    assert done.reports[1].warnings[0] == "differs each time the migrations run, and was not compared: table a"
    assert done.reports[2].reasons == ("after the down migration: dump SETTING fsync added",)


def test_code_that_differs_in_white_space_only() -> None:
    done = verified(
        ("code f a b", "notice none"), ("table b id", "drop b\ncode f a  b"), ("table c id", "drop c\ncode f a c")
    )
    assert verdicts(done) == [IRREVERSIBLE, COSMETIC, NOT_RESTORED]


@pytest.mark.parametrize("leaves", [True, False])
def test_roles_of_the_server_are_those_of_the_database_that_is_migrated(leaves: bool) -> None:
    """They are gone at the end; a down migration that leaves one, and the second up that meets it, are found out."""
    done = verified(
        GOOD,
        ("role reader\ncolumn a x", "drop a.x" + ("" if leaves else "\nunrole reader")),
        ("column a y", "drop a.y\ntable z id"),
        ("unrole reader", "role reader"),
        ("table b id", "drop b"),
    )
    assert verdicts(done) == [RESTORED, FAILS if leaves else RESTORED, NOT_RESTORED, RESTORED, RESTORED]


LATER = tuple((f"table t{number} id", f"drop t{number}") for number in range(30))
LEFT = ("table hidden id", "drop hidden\nsetting fsync off")


@pytest.mark.parametrize("before", [0, 1, 7, 19, 20, 29])
def test_dumps_are_compared_for_several_migrations_at_once_and_blame_the_right_one(before: int) -> None:
    """Wherever it stands among those that are compared together."""
    done = verified(GOOD, *LATER[:before], LEFT, *LATER[before:])
    assert verdicts(done) == [RESTORED] * (before + 1) + [NOT_RESTORED] + [RESTORED] * (30 - before)
    assert [report.migrations[0] for report in done.reports] == [f"{number:02}" for number in range(1, 33)]


@pytest.mark.parametrize(
    "following",
    [
        ("drop hidden", "table hidden id"),  # an object that was left so is gone afterwards
        ("column a x", "drop a.x\ntable e id"),  # the clone is recreated
        ("row a 1", "clear a"),  # likewise
        ("table b id", None),
        ("fail no such type", ""),
    ],
    ids=["removes", "not restored", "changes rows", "no down", "up fails"],
)
def test_what_only_dumps_show_is_seen_before_it_is_gone(following: tuple[str, str | None]) -> None:
    done = verified(GOOD, LATER[0], LEFT, LATER[1], following)
    assert verdicts(done)[:4] == [RESTORED, RESTORED, NOT_RESTORED, RESTORED]


def test_few_dumps_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    dumps = []
    original = MemoryScratchDatabase.dump
    monkeypatch.setattr(MemoryScratchDatabase, "dump", lambda self: dumps.append(self.name) or original(self))
    assert set(verdicts(verified(GOOD, *LATER))) == {RESTORED}
    assert len(dumps) == 4
