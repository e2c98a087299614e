"""Each layout, and each shape that is hard to read, is verified on a real server as `shipway prove --migrations` does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from shipway.domain.errors import ProofError
from shipway.domain.proof import MigrationReport
from shipway.drivers.database.bare import BareFolder
from shipway.drivers.database.sql_folder import Contents, folder_contents
from shipway.drivers.scratch.mysql import MySqlScratch
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.sqlite import SqliteScratch
from shipway.ports import Scratch
from shipway.proving.sequence import verify_sequence
from tests import folders
from tests.conformance.scratch_lab import mariadb, postgres
from tests.folders import DOWN, SHAPES, UP, write

pytestmark = [pytest.mark.databases, pytest.mark.engine]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as (_, url):
        yield url


@pytest.fixture
def scratch(server: str) -> Iterator[Scratch]:
    """Fails where a test leaves a database, or changes the one that the URL names."""
    yield PostgresScratch(server)
    with psycopg.connect(server) as connection:
        names = [name for (name,) in connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate")]
    assert names == ["postgres"]


def verified(scratch: Scratch, contents: Contents) -> Sequence[MigrationReport]:
    def tool(database: object, at: str | None) -> BareFolder:
        return BareFolder(database, contents.migrations, at)  # type: ignore[arg-type]

    versions = [item.version for item in contents.migrations]
    return verify_sequence(scratch, tool, versions, lambda report: None, lambda line: None, timeout=60).reports


@pytest.mark.parametrize("name", [*folders.LAYOUTS, *SHAPES])
def test_verdicts(name: str, tmp_path: Path, scratch: Scratch) -> None:
    expected = {**folders.LAYOUTS, **SHAPES}[name]
    contents = folder_contents(write(tmp_path / "folder", expected.files), dialect=expected.dialect)
    if not expected.verdicts:
        assert contents.migrations == ()
        return
    reports = verified(scratch, contents)
    assert {report.migrations[0]: report.verdict for report in reports} == expected.verdicts, [
        report.reasons for report in reports
    ]


def test_what_a_missing_down_migration_needs(tmp_path: Path, scratch: Scratch) -> None:
    contents = folder_contents(write(tmp_path, folders.LAYOUTS["prisma"].files))
    (reason,) = verified(scratch, contents)[1].reasons
    assert reason.startswith(
        "there is no down migration for 20240102000000_index/migration.sql (missing): Prisma has none"
    )
    assert "20240102000000_index/down.sql" in reason


def test_a_skipped_migration_may_be_missed_by_a_later_one(tmp_path: Path, scratch: Scratch) -> None:
    files = {"1_users.go": "package x", "2_name.sql": f"-- +goose Up\n{folders.UP2}"}
    contents = folder_contents(write(tmp_path, files))
    assert contents.skipped[0].reason.endswith("migrations that depend on it will fail")
    (report,) = verified(scratch, contents)
    assert report.verdict == "FAILS"
    assert 'relation "users" does not exist' in report.reasons[0]


def test_a_down_migration_that_reaches_beyond_its_database_is_not_run(
    tmp_path: Path, scratch: Scratch, server: str
) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE other")
    try:
        files = {"1_a.up.sql": UP, "1_a.down.sql": f"{DOWN}DROP DATABASE other;", "2_b.up.sql": "SELECT 1;"}
        reports = verified(scratch, folder_contents(write(tmp_path, files)))
        assert reports[0].verdict == "FAILS"
        assert "1_a.down.sql: line 2: creates or drops a database: it would reach beyond" in reports[0].reasons[0]
        assert len(reports) == 2
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("DROP DATABASE other")  # fails if it isn't there


def test_a_callback_that_fails_is_named(tmp_path: Path, scratch: Scratch) -> None:
    files = {"V1__a.sql": UP, "U1__a.sql": DOWN, "afterEachMigrate.sql": "SELECT nope;"}
    (report,) = verified(scratch, folder_contents(write(tmp_path, files)))
    assert 'V1__a.sql (with afterEachMigrate.sql): column "nope" does not exist' in report.reasons[0]


def test_a_check_that_fails_is_named(tmp_path: Path, scratch: Scratch) -> None:
    files = {**folders.LAYOUTS["sqitch"].files, "verify/users.sql": "SELECT nope FROM users;"}
    (report,) = verified(scratch, folder_contents(write(tmp_path, files)))
    assert 'verify/users.sql: column "nope" does not exist' in report.reasons[0]


def test_rows_of_copy_are_an_error(tmp_path: Path, scratch: Scratch) -> None:
    files = {"1_a.up.sql": f"{UP}COPY users (id) FROM stdin;\n1\n\\.\n"}
    (report,) = verified(scratch, folder_contents(write(tmp_path, files)))
    assert report.verdict == "FAILS"


SQLITE = {
    "goose": {"1_users.sql": f"-- +goose Up\n{UP}-- +goose Down\n{DOWN}", "2_view.sql": "-- +goose Up\nCREATE VIEW v AS SELECT 1;"},
    "drizzle": {
        "meta/_journal.json": '{"dialect": "sqlite", "entries": [{"tag": "0000_a"}, {"tag": "0001_b"}]}',
        "0000_a.sql": f"{UP.strip()}\n--> statement-breakpoint\nCREATE TABLE t (id int);", "0000_a.down.sql": f"DROP TABLE t;\n--> statement-breakpoint\n{DOWN}",
        "0001_b.sql": "CREATE VIEW v AS SELECT 1;",
    },
}  # fmt: skip


@pytest.mark.parametrize("layout", SQLITE)
def test_sqlite(layout: str, tmp_path: Path) -> None:
    contents = folder_contents(write(tmp_path / "folder", SQLITE[layout]), dialect="sqlite")
    reports = verified(SqliteScratch(tmp_path / "scratch"), contents)
    assert [report.verdict for report in reports] == ["RESTORED", "IRREVERSIBLE"]


def test_sqlite_does_not_write_other_files(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    files = {"1_a.up.sql": UP, "2_b.up.sql": f"ATTACH DATABASE '{other}' AS o; CREATE TABLE o.t (id int);", "1_a.down.sql": f"VACUUM INTO '{other}';"}  # fmt: skip
    contents = folder_contents(write(tmp_path / "folder", files), dialect="sqlite")
    (report,) = verified(SqliteScratch(tmp_path / "scratch"), contents)
    assert report.verdict == "FAILS"
    assert "opens another database" in contents.skipped[0].reason
    assert not other.exists()


MYSQL = {
    "dbmate": {
        "1_users.sql": f"-- migrate:up\n{UP}-- migrate:down\n{DOWN}",
        "2_index.sql": "-- migrate:up\nCREATE INDEX i ON users (id);\n-- migrate:down\nDROP INDEX i ON users;",
    },
    "drizzle": {
        "meta/_journal.json": '{"dialect": "mysql", "entries": [{"tag": "0000_a"}, {"tag": "0001_b"}]}',
        "0000_a.sql": f"{UP.strip()}--> statement-breakpoint\nCREATE TABLE t (id int)\n--> statement-breakpoint\nCREATE INDEX i ON t (id);",
        "0000_a.down.sql": f"DROP TABLE t;--> statement-breakpoint\n{DOWN}",
        "0001_b.sql": "CREATE TABLE b (id int);", "0001_b.down.sql": "DROP TABLE b;",
    },
}  # fmt: skip


def test_mysql(tmp_path: Path) -> None:
    with mariadb() as url:
        scratch = MySqlScratch(url)
        other = scratch.create()
        try:
            other.execute("CREATE TABLE kept (id int)")
            for layout, files in MYSQL.items():
                contents = folder_contents(write(tmp_path / layout, files), dialect="mysql")
                assert [report.verdict for report in verified(scratch, contents)] == ["RESTORED", "RESTORED"]
            files = {"1_a.up.sql": UP, "1_a.down.sql": f"DROP TABLE {other.name}.kept;", "2_b.up.sql": f"USE {other.name}; DROP TABLE kept;"}  # fmt: skip
            contents = folder_contents(write(tmp_path / "beyond", files), dialect="mysql")
            (report,) = verified(scratch, contents)
            assert "names another database" in report.reasons[0]
            assert "changes to another database" in contents.skipped[0].reason
            assert "kept" in str(other.catalog())
        finally:
            scratch.drop(other)


def test_one_error_for_a_folder_with_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="looked for"):
        folder_contents(tmp_path)
