"""Migrations that don't get a lock: they give it up, name who holds it, and try again."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.environment.jobs import database_tool
from shipway.actions.environment.observe import settings
from shipway.actions.environment.patient_tool import PatientTool
from shipway.domain.errors import Interrupted, MigrationFailed
from shipway.domain.plan import Database
from shipway.drivers.server.postgres import PostgresServer
from shipway.ports import DatabaseTool
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.world import World

SERVER = PostgresServer()
LOCKED = "ERROR:  canceling statement due to lock timeout"
HOLDER = (
    "shipway-blocker\t4711\tshop\tpsql\t172.18.0.5\tidle in transaction\t1800000000.5\tUPDATE pets SET name = '…'\n"
)
DESCRIBED = (
    "held by process 4711 (user shop, application psql, from 172.18.0.5), idle in transaction, "
    "in a transaction since 08:00:00 UTC, last query: UPDATE pets SET name = '…'"
)
QUICK = Database("db", "backend", "memory", lock_timeout=0.1, lock_retries=2, lock_pause=7.0)


class Stubborn:
    """A tool that fails with these messages, one a call; it goes on when it was looked for who holds the lock."""

    def __init__(self, *failures: str, looked: threading.Event | None = None) -> None:
        self.failures, self.calls, self._looked = list(failures), 0, looked

    def up(self, on_line: Callable[[str], None], to: str | None = None) -> None:
        self.calls += 1
        if self.failures:
            if self._looked:
                assert self._looked.wait(30)
                self._looked.clear()
            raise MigrationFailed(f"migration 0002 failed\n{self.failures.pop(0)}")

    def down(self, to: str | None, on_line: Callable[[str], None]) -> None:
        self.up(on_line)


class Pauses(threading.Event):
    """The pauses that were asked for; nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout)
        return self.is_set()


def patient(world: World, tool: Stubborn, database: Database = QUICK, answer: str = "") -> tuple[Any, Pauses]:
    pauses = Pauses()
    ctx = dataclasses.replace(world.controller(), cancelled=pauses)
    command = " ".join(SERVER.command("blockers", "0.1"))
    world.have("postgres:15")
    world.runtime.behave("shop_staging_db", Behaviour(answers={command: (0, answer)}))
    world.runtime.create(_spec())
    world.runtime.start("shop_staging_db")
    inner: Any = tool
    return PatientTool(
        ctx, inner, SERVER, database, lambda command: ctx.runtime.execute("shop_staging_db", command)
    ), pauses


def _spec() -> Any:
    from shipway.domain.container import ContainerSpec

    return ContainerSpec("shop_staging_db", "postgres:15", {})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def test_it_tries_again_after_a_pause(world: World) -> None:
    tool, pauses = patient(world, Stubborn(LOCKED, LOCKED))
    tool.up(print)
    assert tool._tool.calls == 3
    assert pauses.asked == [7.0, 7.0]
    assert "within 0.1 s (`lock_timeout`)" in world.notes[0]
    assert "next attempt in 7.0 s, 2 remaining" in world.notes[0]
    assert "next attempt in 7.0 s, 1 remaining" in world.notes[1]


@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_session_that_holds_the_lock_is_named(world: World, direction: str) -> None:
    looked = threading.Event()
    tool, _ = patient(world, Stubborn(*[LOCKED] * 3, looked=looked), answer=f"{HOLDER}and other output\n")
    execute = world.runtime.execute

    def look(*args: Any, **more: Any) -> tuple[int, str]:
        answer = execute(*args, **more)
        looked.set()
        return answer

    world.runtime.execute = look  # type: ignore[method-assign]
    with pytest.raises(MigrationFailed) as caught:
        tool.up(print) if direction == "up" else tool.down(None, print)
    assert DESCRIBED in world.notes[0]
    assert f"it didn't get a lock in 3 attempts of 0.1 s; {DESCRIBED}" in caught.value.message
    assert caught.value.message.startswith("migration 0002 failed\n")
    assert "this ends that session: SELECT pg_terminate_backend(4711)" in caught.value.hint


def test_any_other_failure_is_raised_at_once(world: World) -> None:
    tool, pauses = patient(world, Stubborn("relation pets exists"))
    with pytest.raises(MigrationFailed, match="relation pets exists"):
        tool.up(print)
    assert (tool._tool.calls, pauses.asked) == (1, [])


def test_a_slow_statement_is_explained(world: World) -> None:
    tool, _ = patient(world, Stubborn("canceling statement due to statement timeout"))
    with pytest.raises(MigrationFailed, match=r"took longer than 30 min \(`statement_timeout`\)") as caught:
        tool.up(print)
    assert "raise `statement_timeout`" in caught.value.hint


def test_an_interrupt_ends_the_pause(world: World) -> None:
    tool, pauses = patient(world, Stubborn(LOCKED))
    pauses.set()
    with pytest.raises(Interrupted):
        tool.up(print)


def test_the_tool_of_an_environment_has_the_limits_and_that_of_a_proof_has_none(world: World) -> None:
    release = world.release(1)
    seen: dict[str, Any] = {}
    ctx = world.controller()

    def tool(database: Database, *, run: Any, client: Any, **more: Any) -> DatabaseTool:
        run(["true"])
        client(["true"])
        inner: Any = Stubborn()
        return inner

    ctx = dataclasses.replace(ctx, tool=tool)
    create = world.runtime.create

    def keep(spec: Any) -> str:
        seen[spec.image] = spec.env
        return create(spec)

    world.runtime.create = keep  # type: ignore[method-assign]
    for network in ("shipway_shop_staging", "shipway_shop_staging_rotation"):
        world.runtime.ensure_network(network, {})
    world.have("postgres:15")
    own = settings(ctx, release, samples.STAGING)
    assert isinstance(database_tool(ctx, release, samples.STAGING, own), PatientTool)
    assert len(seen) == 2
    for env in seen.values():
        assert env["PGOPTIONS"] == "-c lock_timeout=5000 -c statement_timeout=1800000"
    specs: list[Any] = []

    def runner(spec: Any) -> Any:
        specs.append(spec)
        return lambda command: (0, "")

    database_tool(ctx, release, samples.STAGING, own, runner=runner)
    assert len(specs) == 2
    assert not any("PGOPTIONS" in spec.env for spec in specs)
