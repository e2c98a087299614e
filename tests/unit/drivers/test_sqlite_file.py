"""The program that works on an SQLite file beside the service that uses it, and what its driver says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.accessory import DatabaseLogin
from shipway.domain.database import DatabaseFile
from shipway.domain.plan import Accessory
from shipway.drivers.accessories import KINDS
from shipway.drivers.server.sqlite import SqliteServer
from shipway.drivers.sqlite_program import program

pytestmark = pytest.mark.counterpart

SERVER = SqliteServer()


class File:
    """A service's file, and a folder for snapshots."""

    def __init__(self, folder: Path) -> None:
        self.path, self.snapshots = folder / "data" / "app.db", folder / "snapshots"
        for made in (self.path.parent, self.snapshots):
            made.mkdir()

    def run(
        self, *words: str, patience: str = "60", code: int = 0, read_only: bool = False, shape: bool = False
    ) -> str:
        env = {
            "PATH": "/nowhere",
            "DB_FILE": str(self.path),
            "DB_PATIENCE": patience,
            **({"DB_READ_ONLY": "1"} if read_only else {}),
            **({"SHAPE": "1"} if shape else {}),
        }
        command = [sys.executable, *program(*words)[1:]]  # without PATH: the image may lack the program of SQLite
        done = subprocess.run(command, cwd=self.snapshots, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == code, done
        return done.stdout

    def take(self, *kept: str) -> tuple[str, str]:
        """Its file and digest."""
        output = self.run("take", "a.dump", *kept)
        return "a.dump", output.split("shipway-taken ")[1].split()[1]


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path)


@pytest.fixture
def service(file: File) -> Iterator[sqlite3.Connection]:
    """A connection that is open all the time."""
    made = sqlite3.connect(file.path, isolation_level=None, timeout=0.1)
    made.executescript("PRAGMA journal_mode = WAL; CREATE TABLE pets (name); INSERT INTO pets VALUES ('Rex')")
    yield made
    made.close()


def names(service: sqlite3.Connection) -> list[str]:
    return [name for (name,) in service.execute("SELECT name FROM pets ORDER BY 1")]


def test_a_snapshot_while_a_transaction_is_open(file: File, service: sqlite3.Connection) -> None:
    service.execute("BEGIN IMMEDIATE")
    service.execute("INSERT INTO pets VALUES ('Tom')")
    (file.snapshots / "old.dump").write_text("")
    (file.snapshots / "kept.dump").write_text("")
    output = file.run("take", "a.dump", "kept.dump")
    service.execute("COMMIT")
    assert output.splitlines()[0] == "shipway-rows pets\t1"
    assert sorted(path.name for path in file.snapshots.iterdir()) == ["a.dump", "kept.dump"]
    copy = sqlite3.connect(file.snapshots / "a.dump")
    assert copy.execute("SELECT name FROM pets").fetchall() == [("Rex",)]
    copy.close()


def test_a_restore_under_an_open_connection(file: File, service: sqlite3.Connection) -> None:
    taken = file.take()
    service.executescript("INSERT INTO pets VALUES ('Later'); CREATE TABLE later (n); PRAGMA user_version = 7")
    file.run("load", *taken, "shipway_restore_5")
    assert file.run("there") == "shipway-there shipway_restore_5\n"
    file.run("swap", "shipway_restore_5", "shipway_before_5")
    assert file.run("there").splitlines()[-1] == "shipway-there shipway_before_5"
    file.run("swap", "shipway_restore_5", "shipway_before_5")  # again, as after a crash: nothing more happens
    service.execute("INSERT INTO pets VALUES ('Tom')")
    file.run("swap", "shipway_restore_5", "shipway_before_5")
    file.run("sweep")
    assert file.run("there") == ""
    assert names(service) == ["Rex", "Tom"]
    assert [name for (name,) in service.execute("SELECT name FROM sqlite_master")] == ["pets"]
    assert service.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert service.execute("PRAGMA user_version").fetchall() == [(0,)]
    assert [path.name for path in file.snapshots.iterdir()] == ["a.dump"]


def test_a_restore_that_gets_no_lock_changes_nothing(file: File, service: sqlite3.Connection) -> None:
    taken = file.take()
    service.executescript("INSERT INTO pets VALUES ('Later'); BEGIN IMMEDIATE")
    file.run("load", *taken, "shipway_restore_5")
    assert "locked" in file.run("swap", "shipway_restore_5", "shipway_before_5", patience="0.2", code=1)
    service.execute("COMMIT")
    assert "shipway_before_5" not in file.run("there")
    assert names(service) == ["Later", "Rex"]


def test_a_damaged_snapshot_is_not_restored(file: File, service: sqlite3.Connection) -> None:
    name, digest = file.take()
    with (file.snapshots / name).open("r+b") as copy:
        copy.seek(5000)
        copy.write(b"x")
    assert "its digest differs" in file.run("load", name, digest, "shipway_restore_5", code=1)
    assert "its digest differs" in file.run("verify", name, digest, code=1)


def test_a_copy_is_verified(file: File, service: sqlite3.Connection) -> None:
    assert file.run("verify", *file.take()) == "shipway-rows pets\t1\n"
    assert "has no file" in file.run("verify", "other.dump", "digest", code=1)


def test_a_damaged_file_gives_no_snapshot(file: File, service: sqlite3.Connection) -> None:
    service.executescript(
        "CREATE TABLE big AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i FROM n"
    )
    service.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with file.path.open("r+b") as damaged:
        damaged.seek(3 * 4096)
        damaged.write(b"\xff" * 4096)
    assert "damaged" in file.run("take", "a.dump", code=1)
    assert not (file.snapshots / "a.dump").exists()


def test_a_full_disk(file: File, service: sqlite3.Connection) -> None:
    """The space is asked for before anything is written."""
    text = program("take")[2].replace("SPARE = 300_000_000", "SPARE = 1 << 60")
    done = subprocess.run(
        [sys.executable, "-c", text, "take", "a.dump"], cwd=file.snapshots, env={"DB_FILE": str(file.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.startswith("shipway-full ")


def test_a_copy_without_rows(file: File, service: sqlite3.Connection, tmp_path: Path) -> None:
    """Only the history has rows; a virtual table makes its own tables, and a trigger doesn't run."""
    service.executescript(
        """
        CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('a1');
        CREATE VIRTUAL TABLE notes USING fts5 (body); INSERT INTO notes VALUES ('private');
        CREATE VIEW named AS SELECT name FROM pets; CREATE INDEX by_name ON pets (name);
        CREATE TRIGGER t AFTER INSERT ON alembic_version BEGIN INSERT INTO pets VALUES ('by a trigger'); END;
        PRAGMA user_version = 3;
        """
    )
    target = tmp_path / "app.db"
    file.run("template", "schema", str(tmp_path), "alembic_version", "django_migrations")
    copy = sqlite3.connect(target)
    before, after = ({name for (name,) in db.execute("SELECT name FROM sqlite_master")} for db in (service, copy))
    assert after == before
    assert copy.execute("SELECT * FROM alembic_version").fetchall() == [("a1",)]
    assert copy.execute("SELECT count(*) FROM pets").fetchone() == (0,)
    assert copy.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    assert copy.execute("PRAGMA user_version").fetchone() == (3,)
    copy.close()
    assert b"private" not in target.read_bytes()


def test_a_copy_for_another_host(file: File, service: sqlite3.Connection, tmp_path: Path) -> None:
    packed = tmp_path / "copy.gz"
    file.run("pack", "data", str(packed))
    file.run("unpack", str(packed), str(tmp_path))
    copy = sqlite3.connect(tmp_path / "app.db")
    assert copy.execute("SELECT name FROM pets").fetchall() == [("Rex",)]
    copy.close()


def test_the_client_of_a_person(file: File, service: sqlite3.Connection) -> None:
    assert file.run("client", "-c", "SELECT name FROM pets", "-c", "SELECT 1, 2") == "Rex\n1|2\n"
    assert "readonly" in file.run("client", "-c", "DELETE FROM pets", read_only=True, code=1)
    assert "-header is an option of `sqlite3`" in file.run("client", "-header", code=1)
    assert names(service) == ["Rex"]


def test_a_file_that_is_not_there_yet(file: File) -> None:
    """An empty database, of which there can be a snapshot."""
    assert [file.run(operation) for operation in ("rows", "size", "there", "schema")] == ["", "0\n", "", ""]
    taken = file.take()
    assert f"there is no file {file.path}" in file.run("client", code=1)
    assert not file.path.exists()
    service = sqlite3.connect(file.path, isolation_level=None)
    service.execute("CREATE TABLE pets (name)")
    file.run("load", *taken, "shipway_restore_5")
    file.run("swap", "shipway_restore_5", "shipway_before_5")
    file.run("sweep")
    assert service.execute("SELECT * FROM sqlite_master").fetchall() == []
    service.close()


def test_its_login_is_a_path() -> None:
    accessory = Accessory("app.db", "python:3", "file", file=DatabaseFile("/data/app.db", "data"))
    login = KINDS["file"].login_of(accessory, "shop", "", "")
    assert SERVER.client(login) == {"DB_FILE": "/data/app.db"}
    shell = KINDS["file"].shell_of(accessory, "shop", "", "", read_only=True)
    assert shell is not None
    assert shell[1] == {"DB_FILE": "/data/app.db", "DB_READ_ONLY": "1"}
    assert isinstance(login, DatabaseLogin)


@pytest.mark.parametrize("text", ["sqlite3.OperationalError: database is locked", "SqliteError: SQLITE_BUSY"])
def test_a_wait_for_a_lock_that_was_given_up(text: str) -> None:
    assert SERVER.timed_out(text) == "lock"
    assert SERVER.timed_out("no such table: pets") is None


def test_the_variables_of_a_migration_stay() -> None:
    assert SERVER.limits(5, 60, {"DB_FILE": "/data/app.db", "X": "1"}) == {"DB_FILE": "/data/app.db", "X": "1"}


def test_the_shape_of_a_copy_tells_another_schema(file: File, service: sqlite3.Connection) -> None:
    def shape() -> str:
        found = file.run("verify", *file.take(), shape=True)
        return next(line for line in found.splitlines() if line.startswith("shipway-shape "))

    before = shape()
    service.execute("INSERT INTO pets VALUES ('Tom')")
    assert shape() == before
    service.execute("CREATE INDEX by_name ON pets (name)")
    assert shape() != before
