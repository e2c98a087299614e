"""Scratch databases on real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pymysql
import pytest

from shipway.domain.catalog import compare
from shipway.drivers.scratch.mysql import MySqlScratch
from shipway.drivers.scratch.postgres import PostgresScratch
from shipway.drivers.scratch.sqlite import SqliteScratch
from shipway.ports import Scratch
from shipway.testing.scratch import ScratchSuite
from tests.conformance.scratch_lab import mariadb, postgres

pytestmark = pytest.mark.databases

# Makes a schema; then changes, what undoes each, and the differences between.
Ways = tuple[tuple[str, str, tuple[str, ...]], ...]
MARIADB = """
ALTER DATABASE CHARACTER SET utf8mb4;
CREATE TABLE makers (id integer PRIMARY KEY, name varchar(9) COLLATE latin1_bin) COMMENT 'who';
CREATE TABLE parts (id integer AUTO_INCREMENT PRIMARY KEY, maker integer, price decimal(9, 2) CHECK (price > 0),
  twice decimal(9, 2) AS (price * 2) STORED, at timestamp DEFAULT current_timestamp ON UPDATE current_timestamp, kind enum('a', 'b'),
  CONSTRAINT made FOREIGN KEY (maker) REFERENCES makers (id) ON DELETE CASCADE, UNIQUE KEY once (maker, price));
CREATE VIEW b_view AS SELECT id FROM parts; CREATE VIEW a_view AS SELECT id FROM b_view;
CREATE TRIGGER dear BEFORE INSERT ON parts FOR EACH ROW SET NEW.price = NEW.price + 1;
CREATE FUNCTION f() RETURNS integer DETERMINISTIC RETURN 1; CREATE PROCEDURE p() SELECT 1; CREATE SEQUENCE numbers INCREMENT 5;
CREATE TRIGGER dearer BEFORE INSERT ON parts FOR EACH ROW SET NEW.price = NEW.price * 2; CREATE TABLE kept (id integer) WITH SYSTEM VERSIONING;
"""
MARIADB_WAYS: Ways = (
    ("ALTER TABLE parts MODIFY kind enum('a', 'b', 'c')", "ALTER TABLE parts MODIFY kind enum('a', 'b')",
     ("column parts.kind changed: type: enum('a','b') → enum('a','b','c')",)),
    ("ALTER TABLE parts DROP FOREIGN KEY made", "ALTER TABLE parts ADD CONSTRAINT made FOREIGN KEY (maker) REFERENCES makers (id) ON DELETE CASCADE",
     ("constraint parts.made removed",)),
    ("ALTER TABLE parts MODIFY price decimal(9, 2)", "ALTER TABLE parts MODIFY price decimal(9, 2) CHECK (price > 0)", ("constraint parts.price removed",)),
    ("ALTER TABLE parts MODIFY id integer", "ALTER TABLE parts MODIFY id integer AUTO_INCREMENT", ("column parts.id changed: identity: by default → (none)",)),
    ("ALTER TABLE parts MODIFY at timestamp DEFAULT current_timestamp", "ALTER TABLE parts MODIFY at timestamp DEFAULT current_timestamp ON UPDATE current_timestamp",
     ("column parts.at changed: other: on update current_timestamp() → (none)",)),
    ("ALTER TABLE makers COMMENT 'what'", "ALTER TABLE makers COMMENT 'who'", ("table makers changed: comment: who → what",)),
    ("DROP TRIGGER dear", "CREATE TRIGGER dear BEFORE INSERT ON parts FOR EACH ROW PRECEDES dearer SET NEW.price = NEW.price + 1",
     ("trigger dear removed", "trigger dearer changed: order: 2 → (none)")),
    ("ALTER TABLE kept DROP SYSTEM VERSIONING", "ALTER TABLE kept ADD SYSTEM VERSIONING", ("table kept changed: versioning: system → (none)",)),
    ("ALTER DATABASE CHARACTER SET utf16", "ALTER DATABASE CHARACTER SET utf8mb4", ("database default changed: character set: utf8mb4 → utf16; collation: utf8mb4_general_ci → utf16_general_ci",)),
    ("DROP FUNCTION f", "CREATE FUNCTION f() RETURNS integer DETERMINISTIC RETURN 1", ("function f removed",)),
    ("DROP PROCEDURE p", "CREATE PROCEDURE p() SELECT 1", ("procedure p removed",)),
    ("ALTER SEQUENCE numbers INCREMENT 6", "ALTER SEQUENCE numbers INCREMENT 5", ("sequence numbers changed: increment: 5 → 6",)),
    ("ALTER VIEW a_view AS SELECT 1 AS id", "ALTER VIEW a_view AS SELECT id FROM b_view",
     ("view a_view changed: definition: select `b_view`.`id` AS `id` from `b_view` → select 1 AS `id`",)),
)  # fmt: skip
# Changes that only the statements of a dump show, and what undoes each.
DUMPED = {
    "ALTER TABLE parted ADD PARTITION (PARTITION p2 VALUES LESS THAN (20))": "ALTER TABLE parted DROP PARTITION p2",
    "ALTER TABLE parts ALTER INDEX once IGNORED": "ALTER TABLE parts ALTER INDEX once NOT IGNORED",
    "ALTER EVENT daily ON COMPLETION PRESERVE": "ALTER EVENT daily ON COMPLETION NOT PRESERVE",
    "CREATE OR REPLACE ALGORITHM = TEMPTABLE VIEW a_view AS SELECT id FROM b_view": "CREATE OR REPLACE VIEW a_view AS SELECT id FROM b_view",
    "ALTER TABLE parted ADD PERIOD FOR term (since, till)": "ALTER TABLE parted DROP PERIOD FOR term",
}  # fmt: skip
SQLITE = """
CREATE TABLE makers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE NOCASE);
CREATE TABLE parts (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id) ON DELETE CASCADE, price INTEGER CHECK (price > 0));
CREATE INDEX lower_name ON makers (lower(name)) WHERE id > 3;
CREATE TRIGGER dear AFTER INSERT ON parts BEGIN UPDATE parts SET price = 1; SELECT 2; END;
"""
REBUILT = "ALTER TABLE parts RENAME TO old; CREATE TABLE parts ({}); DROP TABLE old;"
SQLITE_WAYS: Ways = (
    (REBUILT.format("id INTEGER PRIMARY KEY, maker INTEGER, price INTEGER CHECK (price > 0)"),
     REBUILT.format("id INTEGER PRIMARY KEY,\n maker INTEGER  REFERENCES makers (id) ON DELETE CASCADE,\n price INTEGER CHECK (price > 0)")
     + "CREATE TRIGGER dear AFTER INSERT ON parts BEGIN UPDATE parts SET price = 1; SELECT 2; END;",
     ("constraint parts.foreign key (maker) to makers removed", "trigger dear removed")),
    (REBUILT.format("id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id) ON DELETE CASCADE, price INTEGER CHECK (price > 1)"),
     REBUILT.format("id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id) ON DELETE CASCADE, price INTEGER CHECK  (price > 0)")
     + "CREATE TRIGGER dear AFTER INSERT ON parts BEGIN UPDATE parts SET price = 1;\nSELECT 2; END;",
     ("table parts changed: clauses: CHECK (price > 0) → CHECK (price > 1)", "trigger dear removed")),
    ("DROP INDEX lower_name; CREATE INDEX lower_name ON makers (lower(name)) WHERE id > 4;", "DROP INDEX lower_name; CREATE INDEX lower_name ON makers  (lower(name)) WHERE id > 3;",
     ("index lower_name changed: text: lower(name)) WHERE id > 3 → lower(name)) WHERE id > 4",)),
)  # fmt: skip


def found_changes(scratch: Scratch, schema: str, ways: Ways) -> dict[str, tuple[str, ...]]:
    """The differences that each change makes. Its reversal leaves none."""
    database = scratch.create()
    try:
        database.execute(schema)
        before, found = database.catalog(), {}
        for up, down, _ in ways:
            database.execute(up)
            found[up] = tuple(str(change) for change in compare(before, database.catalog()))
            database.execute(down)
            assert [str(change) for change in compare(before, database.catalog())] == [], down
        return found
    finally:
        scratch.drop(database)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str]]:
    with postgres() as found:
        yield found


@pytest.fixture(scope="module")
def maria() -> Iterator[str]:
    with mariadb() as found:
        yield found


@pytest.mark.engine
class TestPostgres(ScratchSuite):
    @pytest.fixture
    def scratch(self, server: tuple[str, str]) -> Scratch:
        return PostgresScratch(server[1])

    @pytest.fixture
    def name(self) -> Callable[[str], str]:
        return lambda name: f"public.{name}"

    @pytest.fixture
    def settings(self, server: tuple[str, str]) -> str:
        return f"from shipway.drivers.scratch.postgres import PostgresScratch\nscratch = PostgresScratch({server[1]!r})"

    @pytest.fixture
    def slow(self) -> str:
        return "SELECT pg_sleep(20)"

    @pytest.mark.parametrize("named", ["", "mine"])
    def test_a_script_has_a_session_of_its_own(
        self, scratch: Scratch, monkeypatch: pytest.MonkeyPatch, named: str
    ) -> None:
        """Also where that was opened before: with the newest settings of the database, and nothing of another session."""
        monkeypatch.setenv("PGAPPNAME", named)
        database = scratch.create()
        try:
            database.execute("SELECT 1")
            sessions = f"FROM pg_stat_activity WHERE datname = '{database.name}'"
            database.execute(f"DO $$ BEGIN ASSERT (SELECT count(*) {sessions}) = 1; END $$")
            database.execute(
                f"ALTER DATABASE {database.name} SET my.mark = 'new'; SET my.own = 'x'; CREATE TEMP TABLE t ()"
            )
            assert database.touched() == {}, "a session that has done nothing hides no change"
            database.execute(
                "DO $$ BEGIN ASSERT current_setting('my.mark') = 'new'; ASSERT current_setting('my.own', true) IS NULL;"
                " ASSERT to_regclass('t') IS NULL; ASSERT current_setting('application_name') = ''; END $$"
            )
            database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'shipway_%'"
            )
            database.execute("CREATE TABLE after_that ()")
            assert [name for _, name in database.catalog().entries if name == "public.after_that"]
        finally:
            scratch.drop(database)


@pytest.mark.engine
class TestMariaDb(ScratchSuite):
    undo_index = "DROP INDEX by_price ON items"
    index = "items.by_price"

    @pytest.fixture
    def scratch(self, maria: str) -> Scratch:
        return MySqlScratch(maria)

    @pytest.fixture
    def name(self) -> Callable[[str], str]:
        return lambda name: name

    @pytest.fixture
    def settings(self, maria: str) -> str:
        return f"from shipway.drivers.scratch.mysql import MySqlScratch\nscratch = MySqlScratch({maria!r})"

    @pytest.fixture
    def slow(self) -> str:
        return "SELECT SLEEP(20)"

    def test_what_else_is_in_the_catalog(self, scratch: Scratch) -> None:
        assert found_changes(scratch, MARIADB, MARIADB_WAYS) == {up: seen for up, _, seen in MARIADB_WAYS}

    def test_what_only_the_dump_shows(self, scratch: Scratch) -> None:
        """A clone's is the same, though an event begins later there, and other numbers follow."""
        database = scratch.create()
        database.execute(
            f"{MARIADB} CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO SELECT 1;"
            "CREATE TABLE parted (id integer, since date NOT NULL, till date NOT NULL) PARTITION BY RANGE (id) (PARTITION p1 VALUES LESS THAN (10));"
        )
        clone = scratch.create(database)
        clone.execute(
            "INSERT INTO parts (price) VALUES (1); DELETE FROM parts; DROP EVENT daily; CREATE EVENT daily ON SCHEDULE EVERY 1 DAY DO SELECT 1"
        )
        before = database.dump()
        assert before == clone.dump()
        for up, down in DUMPED.items():
            database.execute(up)
            assert before != database.dump(), up
            database.execute(down)
            assert before == database.dump(), down
        scratch.drop(clone)
        scratch.drop(database)

    def test_sessions_are_ended(self, scratch: Scratch) -> None:
        database = scratch.create()
        parts = urlsplit(database.url)
        connection = pymysql.connect(
            host=parts.hostname, port=parts.port or 0, user=parts.username, password=parts.password or "", database=database.name
        )  # fmt: skip
        assert database.interrupt() == ["idle"]
        with pytest.raises(pymysql.MySQLError):
            connection.ping(reconnect=False)
        scratch.drop(database)

    def test_a_clone_has_all_of_it(self, scratch: Scratch) -> None:
        template = scratch.create()
        template.execute(
            MARIADB
            + "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO kept VALUES (1); INSERT INTO parts (id, price) VALUES (0, 1);"
            "INSERT INTO makers VALUES (1, 'x'), (7, 'y'); INSERT INTO parts (maker, price) VALUES (7, 2), (1, 3);"
        )
        clone = scratch.create(template)
        assert compare(template.catalog(), clone.catalog()) == ()
        for table, columns in template.catalog().order.items():
            assert clone.content(table, columns) == template.content(table, columns)
        clone.execute("INSERT INTO parts (maker, price) VALUES (7, 9)")
        assert clone.content("parts", ["id"]).rows == 4
        scratch.drop(clone)
        scratch.drop(template)


class TestSqlite(ScratchSuite):
    @pytest.fixture
    def scratch(self, tmp_path: Path) -> Scratch:
        return SqliteScratch(tmp_path)

    @pytest.fixture
    def name(self) -> Callable[[str], str]:
        return lambda name: name

    @pytest.fixture
    def settings(self, tmp_path: Path) -> str:
        return (
            "from pathlib import Path\nfrom shipway.drivers.scratch.sqlite import SqliteScratch\n"
            f"scratch = SqliteScratch(Path({str(tmp_path)!r}))"
        )

    @pytest.fixture
    def slow(self) -> str:
        return "CREATE TABLE many AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"

    def test_what_else_is_in_the_catalog(self, scratch: Scratch) -> None:
        assert found_changes(scratch, SQLITE, SQLITE_WAYS) == {up: seen for up, _, seen in SQLITE_WAYS}

    def test_scripts_with_a_transaction_of_their_own(self, scratch: Scratch) -> None:
        database = scratch.create()
        database.execute("PRAGMA foreign_keys = off;\nBEGIN;\nCREATE TABLE a (b);\nCOMMIT;")
        assert list(database.catalog().order) == ["a"]


class TestSharedSqlite(TestSqlite):
    """Each in a folder of its own, which containers mount."""

    @pytest.fixture
    def scratch(self, tmp_path: Path) -> Scratch:
        return SqliteScratch(tmp_path, "app.db")

    @pytest.fixture
    def settings(self, tmp_path: Path) -> str:
        return (
            "from pathlib import Path\nfrom shipway.drivers.scratch.sqlite import SqliteScratch\n"
            f"scratch = SqliteScratch(Path({str(tmp_path)!r}), 'app.db')"
        )

    def test_any_user_may_write(self, scratch: Scratch, tmp_path: Path) -> None:
        database = scratch.create(like=scratch.create())
        database.execute("PRAGMA journal_mode = WAL", transaction=False)
        database.execute("CREATE TABLE a (b)")
        folder = tmp_path / database.name
        modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
        assert modes == {database.name: 0o777, "app.db": 0o666}
