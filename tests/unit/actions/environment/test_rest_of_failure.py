"""A migration that fails on a server that can't undo changes of a schema: what it left is shown, and nothing is repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.environment.patient_tool import PatientTool
from shipway.domain.errors import MigrationFailed
from shipway.domain.plan import Database
from shipway.drivers.server.mysql import MySqlServer
from tests.unit.world import World

KILLED = "ERROR 1317 (70100) at line 2: Query execution was interrupted"
BEFORE = "CREATE TABLE `pets` (\n  `name` text\n);\n"


class Server(MySqlServer):
    """Its commands have names that a behaviour can be looked up by."""

    def command(self, operation: str, *words: str) -> tuple[str, ...]:
        return (operation,)


class Failing:
    """A tool that fails with this message each time; `leaves` is called before."""

    def __init__(self, leaves: Callable[[], None]) -> None:
        self.calls, self._leaves = 0, leaves

    def pending(self) -> list[str]:
        return ["0002"]

    def up(self, on_line: Callable[[str], None], to: str | None = None) -> None:
        self.calls += 1
        self._leaves()
        raise MigrationFailed(f"0002 failed\n{KILLED}")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def patient(world: World, left: str) -> tuple[PatientTool, Failing]:
    """left: the schema after a failure."""
    texts = [BEFORE]
    inner = Failing(lambda: texts.append(left))

    def ask(command: Sequence[str]) -> tuple[int, str]:
        return 0, texts[-1] if tuple(command) == ("schema",) else ""

    database = Database("db", "backend", "memory", lock_timeout=0.1, lock_retries=2, lock_pause=0.0)
    tool: Any = inner
    return PatientTool(world.controller(), tool, Server(), database, ask), inner


def test_what_it_left_is_shown_and_nothing_is_repeated(world: World) -> None:
    tool, inner = patient(world, BEFORE.replace("`name` text", "`name` text,\n  `age` int(11)"))
    with pytest.raises(MigrationFailed) as failure:
        tool.up(print)
    assert inner.calls == 1
    assert "+  `age` int(11)" in failure.value.message
    assert KILLED in failure.value.message
    assert "undo by hand" in failure.value.hint


def test_without_a_trace_it_is_repeated(world: World) -> None:
    tool, inner = patient(world, BEFORE)
    with pytest.raises(MigrationFailed, match="it didn't get a lock in 3 attempts"):
        tool.up(print)
    assert inner.calls == 3


class Several(Failing):
    """Each of its migrations changes the schema when it is applied; the second one needs two attempts."""

    def __init__(self, done: list[str]) -> None:
        self.done, self.calls, self.failures = done, 0, 1

    def pending(self) -> list[str]:
        return [name for name in ("0002", "0003", "0004") if name not in self.done]

    def current(self) -> str | None:
        return self.done[-1] if self.done else None

    def up(self, on_line: Callable[[str], None], to: str | None = None) -> None:
        self.calls += 1
        for name in self.pending():
            if name == "0003" and self.failures:
                self.failures -= 1
                raise MigrationFailed(f"0003 failed\n{KILLED}")
            self.done.append(name)
            if name == to:
                return


@pytest.mark.parametrize(("applied", "calls"), [(["0001"], 4), ([], 1)])
def test_what_earlier_migrations_have_changed_is_not_left_by_a_failed_one(
    world: World, applied: list[str], calls: int
) -> None:
    """They run one by one where something is applied already: requests are served meanwhile."""
    inner = Several(applied)

    def ask(command: Sequence[str]) -> tuple[int, str]:
        return 0, " ".join(inner.done) if tuple(command) == ("schema",) else ""

    database = Database("db", "backend", "memory", lock_timeout=0.1, lock_retries=2, lock_pause=0.0)
    tool: Any = inner
    patient = PatientTool(world.controller(), tool, Server(), database, ask)
    if applied:
        patient.up(print)
        assert inner.done == ["0001", "0002", "0003", "0004"]
    else:
        with pytest.raises(MigrationFailed, match="can't undo changes of a schema"):
            patient.up(print)
    assert inner.calls == calls
