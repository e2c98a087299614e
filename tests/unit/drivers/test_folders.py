"""What folders of migrations hold, as each tool reads them."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shipway.domain.errors import ProofError, UsageError
from shipway.drivers.database.folders import files as listing
from shipway.drivers.database.folders.table import READERS
from shipway.drivers.database.sql_folder import LAYOUTS, folder_contents
from tests import folders
from tests.folders import DOWN, SHAPES, UP, Folder, write

ALL = {**folders.LAYOUTS, **SHAPES}


def refusal(folder: Path, layout: str | None = None, dialect: str | None = None) -> str:
    with pytest.raises(ProofError) as failure:
        folder_contents(folder, layout, dialect)
    assert failure.value.hint
    return failure.value.message


def test_every_layout_has_a_reader_and_a_folder() -> None:
    assert list(LAYOUTS) == list(READERS) == [*folders.LAYOUTS]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("named", [False, True])
def test_contents(name: str, named: bool, tmp_path: Path) -> None:
    expected: Folder = ALL[name]
    folder = write(tmp_path / "project" / "folder", expected.files)
    found = folder_contents(folder, expected.layout if named else None, expected.dialect)
    assert (found.layout, found.folder) == (expected.layout, folder / expected.below)
    assert [item.version for item in found.migrations] == list(expected.verdicts)
    assert {
        (item.name, words) for item in found.skipped for words in expected.skipped.values() if words in item.reason
    } == {(skipped.strip(), words) for skipped, words in expected.skipped.items()}
    assert len(found.skipped) == len(expected.skipped)
    if not expected.below:
        assert set(expected.ignored) <= set(found.ignored)
        used = {path for item in found.migrations for path in item.paths} | {item.path for item in found.skipped}
        assert not used & set(found.ignored)


def test_nothing_else_is_ignored(tmp_path: Path) -> None:
    """A file that is neither a migration nor skipped nor ignored by the tool would be lost silently."""
    for name, expected in ALL.items():
        if not expected.below and name != "dialects in suffixes":
            folder = write(tmp_path / name / "folder", expected.files)
            assert folder_contents(folder, None, expected.dialect).ignored == tuple(sorted(expected.ignored)), name


def test_a_skipped_migration_has_its_place(tmp_path: Path) -> None:
    found = folder_contents(write(tmp_path, folders.LAYOUTS["goose"].files))
    assert [(item.name, item.position) for item in found.skipped] == [("00002", 1)]


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    for name in ("goose", "dbmate", "sql-migrate", "node-pg-migrate", "tern", "liquibase", "atlas"):
        expected = folders.LAYOUTS[name]
        folder = write(tmp_path / name / "folder", expected.files)
        for item in folder_contents(folder).migrations:
            for file in (item.up, item.down):
                lines = [
                    (number, line.strip())
                    for number, line in enumerate((file.text if file else "").split("\n"))
                    if line.strip()
                ]
                written = expected.files[file.path].split("\n") if file else []
                assert all(line.rstrip(";") in written[number] for number, line in lines), (name, item.version)


def test_down_migrations_that_a_tool_lacks(tmp_path: Path) -> None:
    for name, words in {"prisma": "20240102000000_index/down.sql", "drizzle": "0001_name.down.sql", "liquibase": "--rollback", "flyway": ""}.items():  # fmt: skip
        found = folder_contents(write(tmp_path / name / "folder", folders.LAYOUTS[name].files))
        lacking = [item for item in found.migrations if item.down is None]
        assert lacking
        assert words in lacking[0].remedy
    supabase = folder_contents(write(tmp_path / "s", folders.LAYOUTS["supabase"].files))
    assert "down/20240102000000_name.sql" in supabase.migrations[1].remedy


def test_a_down_migration_that_supabase_would_apply(tmp_path: Path) -> None:
    files = {"supabase/migrations/1_a.sql": UP, "supabase/migrations/1_a.down.sql": DOWN}
    found = folder_contents(write(tmp_path, files))
    assert [item.version for item in found.migrations] == ["1"]
    assert "would be applied as an up migration" in found.skipped[0].reason


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README.md": ""}, "there are no migrations in"),
        ({"a.sql": UP}, "it has a.sql"),
        ({"1_a.up.sql": UP, "V1__a.sql": UP}, "mixed layouts: 0001_name.up.sql (golang-migrate) and V1__name.sql (flyway)"),
        ({"one/migrations/1_a.up.sql": UP, "two/migrations/1_a.up.sql": UP}, "one/migrations (golang-migrate)\n"),
        ({"alembic.ini": "", "db/migrations/1_a.up.sql": UP}, "several folders of migrations"),
        ({"postgres/1_a.up.sql": UP, "mysql/1_a.up.sql": UP}, "for several databases: mysql, postgres"),
        ({"1_a.postgres.up.sql": UP, "1_a.sqlite3.up.sql": UP}, "for several databases: postgres, sqlite"),
    ],
)  # fmt: skip
def test_a_folder_that_can_not_be_read(files: dict[str, str], words: str, tmp_path: Path) -> None:
    assert words in refusal(write(tmp_path / "x", files))


def test_what_was_looked_for(tmp_path: Path) -> None:
    message = refusal(write(tmp_path, {"x.txt": ""}))
    assert [example for example in [*LAYOUTS.values(), "alembic.ini", "manage.py"] if example not in message] == []
    assert "looked for: files of goose (0001_name.sql with `-- +goose Up`)" in refusal(tmp_path, "goose")


def test_an_unknown_layout_or_dialect(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        folder_contents(tmp_path, "nope")
    folder = write(tmp_path, {"postgres/1_a.up.sql": UP})
    assert "has no migrations for mysql; it has: postgres" in refusal(folder, dialect="mysql")
    assert folder_contents(folder).dialect == "postgres"


@pytest.mark.parametrize(
    ("files", "given", "layout", "below"),
    [
        ({"alembic.ini": "", "alembic/versions/a.py": ""}, "", "alembic", ""),
        ({"backend/alembic.ini": "", "backend/x/versions/a.py": ""}, "", "alembic", "backend"),
        ({"alembic.ini": "", "alembic/versions/a.py": ""}, "alembic/versions", "alembic", "."),
        ({"manage.py": "", "shop/migrations/0001_initial.py": ""}, "", "django", ""),
        ({"manage.py": "", "shop/migrations/0001_initial.py": ""}, "shop/migrations", "django", ""),
        ({"web/prisma/migrations/1_a/migration.sql": UP}, "", "prisma", "web/prisma/migrations"),
        ({"drizzle/meta/_journal.json": '{"entries": [{"tag": "a"}]}', "drizzle/a.sql": UP}, "", "drizzle", "drizzle"),
        ({"out/meta/_journal.json": '{"entries": [{"tag": "a"}]}', "out/a.sql": UP}, "", "drizzle", "out"),
        ({"db/sqitch.plan": "a 2024 x", "db/deploy/a.sql": UP}, "", "sqitch", "db"),
        ({"odd/place/1_a.up.sql": UP}, "", "golang-migrate", "odd/place"),
        ({"node_modules/x/migrations/1_a.up.sql": UP, "migrations/1_b.up.sql": UP}, "", "golang-migrate", "migrations"),
        ({"src/main/resources/db/migration/V1__a.sql": UP}, "", "flyway", "src/main/resources/db/migration"),
        ({"db/migration/common/V1__a.sql": UP, "db/migration/postgresql/V2__b.sql": UP}, "", "flyway", "db/migration"),
        ({"db/migrate/20240101_a.rb": ""}, "db", "rails", "db"),
        ({"db/migrate/20240101_a.rb": ""}, "", "rails", "db/migrate"),
    ],
)  # fmt: skip
def test_where_migrations_are_found(files: dict[str, str], given: str, layout: str, below: str, tmp_path: Path) -> None:
    write(tmp_path, files)
    found = folder_contents(tmp_path / given)
    assert (found.layout, found.folder.resolve()) == (layout, (tmp_path / below).resolve())


def test_flyway_in_folders_of_vendors(tmp_path: Path) -> None:
    folder = write(tmp_path, {"V1__a.sql": UP, "mysql/V2__b.sql": UP, "postgresql/V2__c.sql": UP})
    assert [item.name for item in folder_contents(folder, dialect="postgres").migrations] == ["a", "c"]


@pytest.mark.parametrize(
    ("files", "dialect"),
    [
        ({"1_a/migration.sql": UP, "migration_lock.toml": 'provider = "mysql"'}, "mysql"),
        ({"meta/_journal.json": '{"dialect": "sqlite", "entries": [{"tag": "a"}]}', "a.sql": UP}, "sqlite"),
        ({"1_a.up.sql": UP}, None),
    ],
)
def test_the_dialect_of_a_tools_settings(files: dict[str, str], dialect: str | None, tmp_path: Path) -> None:
    assert folder_contents(write(tmp_path, files)).dialect == dialect


def test_liquibase_for_several_databases(tmp_path: Path) -> None:
    text = "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n--changeset a:2 dbms:mysql\nx;\n--changeset a:3 dbms:postgresql,h2\nSELECT 1;"
    folder = write(tmp_path, {"a.sql": text})
    assert "for several databases: h2, mysql, postgres" in refusal(folder)
    found = folder_contents(folder, dialect="postgres")
    assert [item.version for item in found.migrations] == ["a:1", "a:3"]
    assert found.skipped[0].reason == "is only for mysql"


def test_sqlites_file_of_a_size_that_no_one_waits_for(tmp_path: Path) -> None:
    folder = write(tmp_path, {"1_a.up.sql": UP, "1_a.down.sql": DOWN, "2_b.up.sql": ""})
    os.truncate(folder / "2_b.up.sql", 200 << 20)
    begun = time.monotonic()
    found = folder_contents(folder)
    assert time.monotonic() - begun < 5
    assert [(item.name, item.reason) for item in found.skipped] == [("2", "is too large: 200 MB, the limit is 64 MB")]


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SCRIPTS", 50)
    for number in range(51):
        (tmp_path / f"{number}_a.up.sql").touch()
    assert "has more than 50 SQL files" in refusal(tmp_path)
    monkeypatch.setattr(listing, "SCRIPTS", 51)
    monkeypatch.setattr(listing, "ENTRIES", 50)
    assert "has more than 50 files" in refusal(tmp_path)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path / "x", {"1_a.up.sql": UP, "sub/2_b.up.sql": UP})
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name in denied:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(listing.os, "scandir", scandir)
    denied = {"x"}
    assert refusal(folder) == f"{folder} can't be read: Permission denied"
    denied = {"sub"}
    assert refusal(folder) == f"{folder / 'sub'} can't be read: permission denied"


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, {"1_a.up.sql": UP})
    (folder / "2_b.up.sql").symlink_to(folder / "gone")
    assert refusal(folder) == f"{folder / '2_b.up.sql'} can't be read: No such file or directory"


def test_special_files_and_links(tmp_path: Path) -> None:
    folder = write(tmp_path / "x", {"migrations/1_a.up.sql": UP, "migrations/.hidden/2_b.up.sql": UP})
    os.mkfifo(folder / "migrations" / "3_c.up.sql")
    (folder / "migrations" / "loop").symlink_to(folder)
    (folder / "migrations" / "4_d.up.sql").symlink_to(folder / "migrations" / "1_a.up.sql")
    assert [item.version for item in folder_contents(folder / "migrations").migrations] == ["1", "4"]


def test_files_that_are_not_utf8(tmp_path: Path) -> None:
    folder = write(tmp_path, {"1_a.up.sql": UP})
    (folder / "2_b.up.sql").write_bytes("é".encode("latin-1"))
    (folder / "3_c.up.sql").write_bytes(b"\xef\xbb\xbf" + UP.encode())
    found = folder_contents(folder)
    assert [item.reason for item in found.skipped] == ["is not UTF-8"]
    assert found.migrations[1].up.text == UP
