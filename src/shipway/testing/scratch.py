"""The conformance suite of scratch database servers. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest

from shipway.domain.catalog import Content, compare, reordered
from shipway.domain.errors import ProofError
from shipway.domain.own_tables import OwnTables
from shipway.ports import Scratch, ScratchDatabase

ITEMS = """
CREATE TABLE items (id integer NOT NULL PRIMARY KEY, name varchar(40), price integer NOT NULL DEFAULT 3);
INSERT INTO items (id, name) VALUES (1, 'one; two'), (2, NULL), (3, '');
"""
# A change, the statement that reverts it, and kind and part of the name of each difference.
CHANGES = (
    ("CREATE TABLE other (a integer)", "DROP TABLE other", {"table other", "column other.a"}),
    ("ALTER TABLE items ADD COLUMN note varchar(9)", "ALTER TABLE items DROP COLUMN note", {"column items.note"}),
    ("CREATE INDEX by_price ON items (price)", "DROP INDEX by_price", {"index by_price"}),
    ("CREATE UNIQUE INDEX by_price ON items (price, name)", "DROP INDEX by_price", {"index by_price"}),
    ("CREATE VIEW cheap AS SELECT id FROM items WHERE price < 2", "DROP VIEW cheap", {"view cheap"}),
)


class ScratchSuite:
    """Fixtures: `scratch` is a server; `name` returns a table's name in the catalog; `settings` is Python code that
    creates the same `scratch` in another process; `slow` is a long-running statement. `undo_index` drops the index
    by_price of items, `index` is its name in the catalog."""

    undo_index: ClassVar[str] = "DROP INDEX by_price"
    index: ClassVar[str] = "by_price"

    @pytest.fixture
    def make(self, scratch: Scratch) -> Iterator[Callable[..., ScratchDatabase]]:
        made: list[ScratchDatabase] = []

        def make(script: str = "", like: ScratchDatabase | None = None) -> ScratchDatabase:
            made.append(scratch.create(like))
            if script:
                made[-1].execute(script)
            return made[-1]

        yield make
        for database in made:
            scratch.drop(database)

    @pytest.fixture
    def items(self, make: Callable[..., ScratchDatabase]) -> ScratchDatabase:
        return make(like=make(ITEMS))

    def test_a_clone_is_the_same_and_lives_alone(
        self, make: Callable[..., ScratchDatabase], name: Callable[[str], str]
    ) -> None:
        template = make(ITEMS)
        one, two = make(like=template), make(like=template)
        assert one.name != two.name
        assert one.catalog() == template.catalog()
        columns = template.catalog().order[name("items")]
        assert one.content(name("items"), columns) == template.content(name("items"), columns)
        one.execute("DROP TABLE items")
        assert two.catalog() == template.catalog() != one.catalog()

    @pytest.mark.parametrize(("up", "down", "seen"), CHANGES)
    def test_changes_are_seen_and_undone(
        self, items: ScratchDatabase, name: Callable[[str], str], up: str, down: str, seen: set[str]
    ) -> None:
        before = items.catalog()
        items.execute(up)
        assert {f"{change.kind} {change.name}" for change in compare(before, items.catalog())} == {
            f"{kind} {name(self.index if kind == 'index' else rest)}"
            for kind, _, rest in (text.partition(" ") for text in seen)
        }
        items.execute(self.undo_index if down.startswith("DROP INDEX") else down)
        assert compare(before, items.catalog()) == ()

    @pytest.mark.parametrize(
        ("other", "facet"),
        [
            ("id integer NOT NULL PRIMARY KEY, name varchar(40), price integer NOT NULL", "default"),
            ("id integer NOT NULL PRIMARY KEY, name varchar(40), price integer DEFAULT 3", "null"),
            ("id integer NOT NULL PRIMARY KEY, name varchar(41), price integer NOT NULL DEFAULT 3", "type"),
        ],
    )
    def test_facets_of_a_column(self, make: Callable[..., ScratchDatabase], other: str, facet: str) -> None:
        (change,) = compare(make(ITEMS).catalog(), make(f"CREATE TABLE items ({other})").catalog())
        assert (change.change, change.kind, set(change.facets)) == ("changed", "column", {facet})

    def test_the_order_of_columns(self, make: Callable[..., ScratchDatabase], name: Callable[[str], str]) -> None:
        one, two = make("CREATE TABLE t (a integer, b integer)"), make("CREATE TABLE t (b integer, a integer)")
        assert compare(one.catalog(), two.catalog()) == ()
        assert reordered(one.catalog(), two.catalog()) == (name("t"),)

    def test_migration_history_of_a_tool(self, items: ScratchDatabase) -> None:
        """With its columns, indexes and sequences. That of another tool is part of the schema."""
        before = items.catalog()
        items.execute("CREATE TABLE schema_migrations (id integer PRIMARY KEY, version varchar(20) UNIQUE)")
        items.execute("INSERT INTO schema_migrations VALUES (1, '1')")
        after = items.catalog()
        assert OwnTables(history=frozenset({"schema_migrations"})).without_history(after) == before
        assert OwnTables(history=frozenset({"knex_migrations"})).without_history(after) == after != before

    def test_content(self, make: Callable[..., ScratchDatabase], name: Callable[[str], str]) -> None:
        template = make(ITEMS)
        table, columns = name("items"), template.catalog().order[name("items")]
        before = template.content(table, columns)
        assert (before.rows, set(before.columns)) == (3, set(columns))

        def changed(script: str) -> set[str]:
            clone = make(script, template)
            after = clone.content(table, columns)
            return {column for column in columns if after.columns[column] != before.columns[column]} | (
                {"rows"} if after.rows != before.rows else set()
            )

        assert changed("DELETE FROM items WHERE id = 1; INSERT INTO items (id, name) VALUES (1, 'one; two');") == set()
        assert changed("UPDATE items SET name = '' WHERE id = 2") == {"name"}
        assert changed("UPDATE items SET name = CASE id WHEN 2 THEN '' ELSE NULL END WHERE id > 1") == {
            "name"
        }  # swapped
        assert changed("UPDATE items SET price = 4 WHERE id = 3") == {"price"}
        assert changed("DELETE FROM items WHERE id = 3") == {*columns, "rows"}

    def test_exchanged_values_of_rows_without_a_key(
        self, make: Callable[..., ScratchDatabase], name: Callable[[str], str]
    ) -> None:
        plain = make("CREATE TABLE plain (a integer, b integer); INSERT INTO plain VALUES (1, 10), (2, 20), (3, 30)")
        table, columns = name("plain"), plain.catalog().order[name("plain")]
        before = plain.content(table, columns)
        plain.execute("UPDATE plain SET b = CASE a WHEN 1 THEN 20 ELSE 10 END WHERE a < 3")
        after = plain.content(table, columns)
        assert (before.rows, before.columns) == (after.rows, after.columns)
        assert before.whole != after.whole

    def test_hashes_of_rows(self, make: Callable[..., ScratchDatabase], name: Callable[[str], str]) -> None:
        """In ascending order, one for each row, of the given columns alone."""
        template = make(ITEMS)
        table = name("items")

        def hashes(script: str = "", columns: tuple[str, ...] = ("id", "name", "price")) -> list[int]:
            with make(script, template).hashes(table, columns) as found:
                return list(found)

        before = hashes()
        assert (len(before), before) == (3, sorted(before))
        added = hashes("INSERT INTO items (id, name) VALUES (77, 'more')")
        assert len(added) == 4
        assert set(before) < set(added)
        assert len(set(before) & set(hashes("UPDATE items SET price = 4 WHERE id = 3"))) == 2
        assert hashes("UPDATE items SET price = 4 WHERE id = 3", ("id", "name")) == hashes(columns=("id", "name"))

    def test_content_of_what_is_not_there(self, items: ScratchDatabase, name: Callable[[str], str]) -> None:
        assert set(items.content(name("items"), ["name", "nosuch"]).columns) == {"name"}
        assert items.content(name("nosuch"), ["name"]) == Content(0)

    def test_no_change_is_missed(self, make: Callable[..., ScratchDatabase], name: Callable[[str], str]) -> None:
        template = make(ITEMS + "CREATE TABLE other (a integer); INSERT INTO other VALUES (1);")
        for script in (
            "INSERT INTO items (id) VALUES (4)",
            "UPDATE items SET price = 5 WHERE id = 1",
            "DELETE FROM items WHERE id = 1",
            "DELETE FROM items; INSERT INTO items (id) VALUES (1);",
            "ALTER TABLE items DROP COLUMN name; ALTER TABLE items ADD COLUMN name varchar(40);",
            "DROP TABLE items; CREATE TABLE items (id integer NOT NULL PRIMARY KEY, name varchar(40), price integer NOT NULL DEFAULT 3);",
            "DROP TABLE items",
        ):
            assert name("items") in make(script, template).touched(), script

    def test_a_script_that_fails_tells_why_and_leaves_nothing(
        self, items: ScratchDatabase, name: Callable[[str], str]
    ) -> None:
        before = items.content(name("items"), ["id", "price"])
        with pytest.raises(ProofError, match="nosuch"):
            items.execute("UPDATE items SET price = 9;\nINSERT INTO nosuch VALUES (1);")
        assert items.content(name("items"), ["id", "price"]) == before

    def test_a_script_without_a_transaction_goes_as_far_as_it_can(
        self, items: ScratchDatabase, name: Callable[[str], str]
    ) -> None:
        with pytest.raises(ProofError, match="nosuch"):
            items.execute(
                "INSERT INTO items (id, name) VALUES (7, 'a;b');\nINSERT INTO nosuch VALUES (1);", transaction=False
            )
        assert items.content(name("items"), []).rows == 4

    def test_time_that_runs_out(self, items: ScratchDatabase, slow: str) -> None:
        with pytest.raises(ProofError, match=r"longer than 0\.2 s"):
            items.execute(slow, timeout=0.2)
        items.execute("UPDATE items SET price = 1", timeout=30)

    def test_watching_blocks_no_session(self, items: ScratchDatabase) -> None:
        with items.watch() as watched:
            items.execute("UPDATE items SET price = 1")
        assert list(watched.rewrites) == []
        with pytest.raises(ProofError, match="nosuch"), items.watch() as watched:
            items.execute("DROP TABLE nosuch")
        assert list(watched.rewrites) == []

    def test_repeated_statements_change_nothing(self, items: ScratchDatabase, name: Callable[[str], str]) -> None:
        before = items.content(name("items"), ["price"])
        statements = ["UPDATE items SET price = $1", "DELETE FROM items", "SELECT nosuch FROM items WHERE id = $1"]
        with items.replay(statements) as replayed:
            items.catalog()
        assert replayed.statements in (0, 2)  # 0: the driver repeats none
        assert list(replayed.failures) == []
        assert items.content(name("items"), ["price"]) == before

    def test_dropping_twice(self, scratch: Scratch) -> None:
        database = scratch.create()
        scratch.drop(database)
        scratch.drop(database)
        with pytest.raises(ProofError):
            database.catalog()

    def test_what_a_dead_process_left_is_swept_away(self, scratch: Scratch, settings: str) -> None:
        mine = scratch.create()
        code = f"{settings}\nprint(scratch.create().name)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        orphan = done.stdout.strip()
        assert orphan in scratch.drop_orphans()
        assert scratch.drop_orphans() == []
        mine.catalog()  # still exists
        scratch.drop(mine)

    def test_free_space(self, scratch: Scratch) -> None:
        free = scratch.free_space()
        assert free is None or free > 1_000_000
