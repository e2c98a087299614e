"""The in-memory migration tool, and the conformance suite of all tools (`DatabaseToolSuite`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.domain.own_tables import OwnTables
from shipway.ports import DatabaseTool, OnLine


@dataclass
class MemoryDatabase:
    """A schema shared by several releases' tools: the applied revisions, oldest first."""

    applied: list[str] = field(default_factory=list)


class MemoryDatabaseTool:
    """Scripted failures: `broken` names revisions whose `up` fails, `irreversible` those without a down migration.

    `revisions` are those of the image, oldest first. `calls` records `up`, `up REVISION` and `down REVISION` (`down
    base`).
    """

    def __init__(
        self,
        revisions: Sequence[str],
        database: MemoryDatabase | None = None,
        *,
        broken: Sequence[str] = (),
        irreversible: Sequence[str] = (),
    ) -> None:
        self.revisions = list(revisions)
        self.database = database or MemoryDatabase()
        self.broken = set(broken)
        self.irreversible = set(irreversible)
        self.calls: list[str] = []

    def head(self) -> str | None:
        return self.revisions[-1] if self.revisions else None

    def current(self) -> str | None:
        applied = self.database.applied
        if unknown := [name for name in applied if name not in self.revisions]:
            raise MigrationFailed(f"the database has revision {', '.join(unknown)} applied, which the image lacks")
        return applied[-1] if applied else None

    def pending(self) -> list[str]:
        self.current()
        return [name for name in self.revisions if name not in self.database.applied]

    def up(self, on_line: OnLine, to: str | None = None) -> None:
        self.calls.append(f"up {to}" if to else "up")
        pending = self.pending()
        if to is not None and to not in self.revisions:
            raise MigrationFailed(f"can't migrate up to {to}: the image has no such revision")
        for name in pending:
            if to is not None and self.revisions.index(name) > self.revisions.index(to):
                return
            on_line(f"apply {name}")
            if name in self.broken:
                raise MigrationFailed(f"{name} failed; the schema is now at {self.current()}")
            self.database.applied.append(name)

    def down(self, to: str | None, on_line: OnLine) -> None:
        self.calls.append(f"down {to or 'base'}")
        self.current()
        applied = self.database.applied
        if to is not None and to not in applied:
            raise MigrationFailed(f"can't migrate down to {to}: it isn't applied; the schema is at {self.current()}")
        reverted = applied[applied.index(to) + 1 :] if to else applied
        if lacking := [name for name in reverted if name in self.irreversible]:
            raise Irreversible(f"no down migration for {', '.join(lacking)}; nothing was reverted")
        while applied and applied[-1] != to:
            on_line(f"revert {applied.pop()}")

    def scripts(self, revisions: Sequence[str]) -> Mapping[str, str]:
        return {f"{name}.down": f"revert {name}" for name in revisions if name not in self.irreversible}

    def own_tables(self) -> OwnTables:
        return OwnTables()


class MigrationImages(Protocol):
    """Provided by a driver's test as the fixture `images`: images with different migrations, all on one database that
    is new for each test. Their three migrations create the tables one, two and three."""

    revisions: tuple[str, str, str]

    def tool(self, image: str) -> DatabaseTool:
        """The driver for an image: `good`; `older`, which lacks the third migration; `broken`, whose third fails after
        creating its table; `irreversible`, whose second has no down migration; `empty`, without migrations."""

    def tables(self) -> set[str]:
        """The existing tables, without the tool's own."""


class DatabaseToolSuite:
    """Subclass it with a fixture `images`."""

    # Each query may start a container and the tool: so each test covers a sequence, with no more queries than needed.

    def test_up_and_down_and_up_again(self, images: MigrationImages, lines: list[str], on_line: OnLine) -> None:
        tool, (first, second, third) = images.tool("good"), images.revisions
        assert tool.head() == third
        assert (tool.current(), tool.pending()) == (None, [first, second, third])
        tool.up(on_line)
        assert images.tables() == {"one", "two", "three"}
        assert any(second.removesuffix(".js") in line for line in lines), "the output doesn't list what was applied"
        tool.up(on_line)
        assert tool.current() == third
        tool.down(first, on_line)
        assert (tool.pending(), images.tables()) == ([second, third], {"one"})
        tool.down(first, on_line)
        assert tool.current() == first
        tool.up(on_line)
        assert images.tables() == {"one", "two", "three"}
        tool.down(None, on_line)
        assert (tool.current(), images.tables()) == (None, set())
        tool.down(None, on_line)
        assert tool.pending() == [first, second, third]

    def test_up_one_by_one(self, images: MigrationImages, on_line: OnLine) -> None:
        tool, (first, second, third) = images.tool("good"), images.revisions
        tool.up(on_line, first)
        assert (tool.current(), images.tables()) == (first, {"one"})
        with pytest.raises(MigrationFailed, match="nothing-like-it"):
            tool.up(on_line, "nothing-like-it")
        tool.up(on_line, second)
        tool.up(on_line, first)
        assert (tool.pending(), images.tables()) == ([third], {"one", "two"})

    def test_a_later_release_and_the_one_before(self, images: MigrationImages, on_line: OnLine) -> None:
        older, newer, (first, second, third) = images.tool("older"), images.tool("good"), images.revisions
        older.up(on_line)
        assert (newer.pending(), images.tables()) == ([third], {"one", "two"})
        for target in (third, "nothing-like-it"):
            with pytest.raises(MigrationFailed, match=target) as failure:
                newer.down(target, on_line)
            assert second in failure.value.message
        newer.up(on_line)
        assert newer.current() == third
        asks: list[Callable[[], object]] = [
            older.current,
            lambda: older.up(on_line),
            lambda: older.down(first, on_line),
        ]
        for ask in asks:
            with pytest.raises(MigrationFailed, match=third):
                ask()
        assert images.tables() == {"one", "two", "three"}

    @staticmethod
    def fail_half_way(images: MigrationImages, on_line: OnLine, left: set[str]) -> None:
        """`left`: the tables that are there afterwards."""
        tool, (_, second, third) = images.tool("broken"), images.revisions
        with pytest.raises(MigrationFailed) as failure:
            tool.up(on_line)
        assert third in failure.value.message
        assert f"now at {second}" in failure.value.message
        assert (tool.pending(), images.tables()) == ([third], left)

    def test_a_migration_that_fails_half_way(self, images: MigrationImages, on_line: OnLine) -> None:
        self.fail_half_way(images, on_line, {"one", "two"})
        images.tool("good").up(on_line)
        assert images.tables() == {"one", "two", "three"}

    def test_a_migration_without_a_way_down(self, images: MigrationImages, on_line: OnLine) -> None:
        tool, (first, second, third) = images.tool("irreversible"), images.revisions
        tool.up(on_line)
        with pytest.raises(Irreversible, match=second):
            tool.down(first, on_line)
        assert (tool.current(), images.tables()) == (third, {"one", "two", "three"}), "something was reverted"
        tool.down(second, on_line)
        assert images.tables() == {"one", "two"}

    def test_what_reverts_a_migration(self, images: MigrationImages) -> None:
        _, second, third = images.revisions
        tool = images.tool("good")
        both, one = tool.scripts([second, third]), tool.scripts([third])
        assert any("two" in text or second in text for text in both.values())
        assert any("three" in text or third in text for text in one.values())
        assert not any("two" in path or second in path for path in one), "it is of another migration"

    def test_an_image_without_migrations(self, images: MigrationImages, on_line: OnLine) -> None:
        tool = images.tool("empty")
        assert (tool.head(), tool.current(), tool.pending(), tool.scripts([])) == (None, None, [], {})
        tool.up(on_line)
        tool.down(None, on_line)
        assert images.tables() == set()

    @pytest.fixture
    def lines(self) -> list[str]:
        """The tool's output."""
        return []

    @pytest.fixture
    def on_line(self, lines: list[str]) -> OnLine:
        return lines.append
