"""A program that migrates when it starts: revisions stand for images, a start is the up migration, and none leads down."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shipway.domain.errors import Irreversible, MigrationFailed
from shipway.drivers.database.on_start import OnStart
from shipway.ports import OnLine


class Server:
    """What psql does with the driver's statements."""

    def __init__(self) -> None:
        self.revisions: list[str] | None = None  # None: no table
        self.down = False

    def __call__(self, command: Sequence[str]) -> tuple[int, str]:
        assert command[0] == "psql"
        sql = command[-1]
        if self.down:
            return 2, "connection refused"
        if sql.startswith("SELECT to_regclass"):
            return 0, "t" if self.revisions is not None else "f"
        if sql.startswith("SELECT revision"):
            return 0, self.revisions[-1] if self.revisions else ""
        self.revisions = [*(self.revisions or []), sql.split("VALUES ('")[1].split("'")[0]]
        return 0, ""


class Program:
    """Counts its starts."""

    def __init__(self, *, fails: bool = False) -> None:
        self.starts, self.fails = 0, fails

    def __call__(self, on_line: OnLine) -> None:
        self.starts += 1
        if self.fails:
            raise MigrationFailed("it exited with 1")


def tool(
    server: Server, program: Program, image: str = "web@sha256:1", files: dict[str, bytes] | None = None
) -> OnStart:
    return OnStart(server, lambda folder: files or {}, "m" if files is not None else None, image, program)


def ignore(line: str) -> None: ...


def test_the_start_is_the_migration_and_happens_once() -> None:
    server, program = Server(), Program()
    found = tool(server, program)
    assert found.current() is None
    assert found.pending() == [found.head()]
    found.up(ignore, found.head())
    assert (program.starts, found.current(), found.pending()) == (1, found.head(), [])
    found.up(ignore)
    assert program.starts == 1
    newer = tool(server, program, "web@sha256:2")
    assert newer.pending() == [newer.head()]
    assert newer.current() == found.head() != newer.head()


def test_a_start_that_fails_applies_nothing() -> None:
    server = Server()
    found = tool(server, Program(fails=True))
    with pytest.raises(MigrationFailed, match="exited with 1"):
        found.up(ignore)
    assert server.revisions is None
    assert found.pending() == [found.head()]


def test_with_a_folder_only_other_files_are_a_migration() -> None:
    server, program = Server(), Program()
    tool(server, program, "web@sha256:1", {"1.sql": b"a"}).up(ignore)
    assert tool(server, program, "web@sha256:2", {"1.sql": b"a"}).pending() == []
    for other in ({"1.sql": b"b"}, {"2.sql": b"a"}, {"1.sql": b"a", "2.sql": b""}):
        assert tool(server, program, "web@sha256:2", other).pending() != []


def test_nothing_leads_down() -> None:
    server, program = Server(), Program()
    found = tool(server, program)
    found.up(ignore)
    with pytest.raises(Irreversible, match="snapshot"):
        found.down(None, ignore)
    found.down(found.head(), ignore)  # nothing to revert
    assert found.scripts([found.head()]) == {}


def test_a_database_that_does_not_answer_is_an_error_and_not_an_empty_one() -> None:
    server = Server()
    server.down = True
    with pytest.raises(MigrationFailed, match="connection refused"):
        tool(server, Program()).pending()
