"""The SQL driver on an SQLite file. Its program runs in this machine's Python, as in an image's."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from shipway.domain.database import FILE_KIND
from shipway.domain.errors import MigrationFailed
from shipway.drivers.database.sql import SqlFolder
from shipway.ports import OnLine
from shipway.testing.database import DatabaseToolSuite
from tests.conformance import database_lab as lab
from tests.conformance.test_database import FOLDERS

pytestmark = pytest.mark.counterpart


class TestSqlFolder(DatabaseToolSuite):
    class Images:
        revisions = ("0001", "0002", "0003")

        def __init__(self, path: Path) -> None:
            self.path = path

        def run(self, command: Sequence[str]) -> tuple[int, str]:
            done = subprocess.run(
                [sys.executable, *command[1:]], env={"DB_FILE": str(self.path)}, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            return done.returncode, done.stdout

        def folder(self, files: dict[str, bytes]) -> SqlFolder:
            return SqlFolder(lambda folder: files, self.run, "migrations", FILE_KIND)

        def tool(self, image: str) -> SqlFolder:
            return self.folder(FOLDERS[image])

        def query(self, statement: str) -> list[str]:
            with sqlite3.connect(self.path) as connection:
                return [str(value) for (value,) in connection.execute(statement)]

        def tables(self) -> set[str]:
            return set(self.query("SELECT name FROM sqlite_master WHERE type = 'table'")) - lab.OWN

    @pytest.fixture
    def images(self, tmp_path: Path) -> Images:
        return self.Images(tmp_path / "app.db")

    def test_a_failed_migration_leaves_nothing(self, images: Images, on_line: OnLine) -> None:
        files = {**FOLDERS["older"], "0003_x.up.sql": b"ALTER TABLE one ADD x int;\nINSERT INTO nowhere VALUES (1);\n"}
        with pytest.raises(MigrationFailed, match=r"0003_x\.up\.sql failed") as failure:
            images.folder(files).up(on_line)
        assert "no such table: nowhere" in str(failure.value)
        assert "x" not in images.query("SELECT name FROM pragma_table_info('one')")

    def test_a_migration_with_a_transaction_of_its_own(self, images: Images, on_line: OnLine) -> None:
        """Such as one that turns foreign keys off, which is not possible within a transaction."""
        text = b"PRAGMA foreign_keys = OFF;\nBEGIN;\nALTER TABLE one ADD x int;\nCOMMIT;\nPRAGMA foreign_keys = ON\n"
        tool = images.folder({**FOLDERS["older"], "0003_x.up.sql": text})
        tool.up(on_line)
        assert tool.current() == "0003"
        assert "x" in images.query("SELECT name FROM pragma_table_info('one')")
