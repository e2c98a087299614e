"""Commands of people in an environment."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.operations.command import NOT_RUN, Person, execute
from shipway.actions.upkeep.doctor import examine, repair
from shipway.context import Context
from shipway.domain.errors import EngineError, NotRunnable, UsageError
from shipway.ports import Session
from shipway.system.alive import this_process
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


class Screen:
    """A terminal of a test: types, and keeps what is shown."""

    def __init__(self, typed: bytes = b"", *, tty: bool = False, interrupted: bool = False) -> None:
        self.tty, self.kind, self.shown, self._typed, self._interrupted = tty, "vt100", b"", typed, interrupted

    def converse(self, session: Session) -> None:
        if self._interrupted:
            raise KeyboardInterrupt
        session.send(self._typed)
        session.end_input()
        self.shown = b"".join(data for _, data in iter(session.receive, None))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World.deployed(tmp_path, STAGING, 1)
    world.runtime.behave("*_session_*", Behaviour(("hello",), exit_code=3, echo=True))
    return world


def run(world: World, screen: Screen, service: str = "backend", *command: str, into: bool = False) -> int:
    return execute(world.controller(), "shop", "staging", service, command or ("sh",), Person(screen), into=into)


def recorded(world: World) -> list[tuple[str, str, int | None]]:
    return [(item.service, item.detail, item.code) for item in world.ledger.operations("shop", "staging")]


def test_a_new_container_with_all_that_the_service_has(world: World) -> None:
    made = []
    real = world.runtime.create
    world.runtime.create = lambda spec: made.append(spec) or real(spec)  # type: ignore[method-assign, func-returns-value]
    before = set(world.runtime.containers)
    screen = Screen(b"typed\n", tty=True)
    assert run(world, screen, "backend", "flask", "shell") == 3
    assert screen.shown == b"hello\ntyped\n"
    (spec,) = made
    serving = next(
        item.spec for item in world.runtime.containers.values() if item.spec.labels["shipway.name"] == "backend"
    )
    assert (spec.entrypoint, spec.command, spec.image) == (("flask",), ("shell",), serving.image)
    assert spec.env == {**serving.env, "TERM": "vt100"}
    assert spec.env["KEY"] == "secret-key"
    assert spec.security == serving.security
    assert set(serving.networks) <= set(spec.networks)
    assert spec.labels["shipway.role"] == "session"
    assert set(world.runtime.containers) == before, "nothing is left"


def test_who_ran_what_is_recorded_without_secrets(world: World) -> None:
    run(world, Screen(), "backend", "login", "--password", "secret-key")
    (found,) = world.ledger.operations("shop", "staging")
    assert (found.kind, found.service, found.detail, found.code) == ("exec", "backend", "login --password «KEY»", 3)
    assert found.actor.startswith("controller-")
    assert "@" in found.login
    assert found.finished is not None


def test_no_version_of_a_secret_is_recorded(world: World) -> None:
    for value in ("second-key", "third-key"):
        world.secrets(world.ledger).set("shop/staging", "KEY", value)
    run(world, Screen(), "backend", "login", "secret-key", "second-key", "third-key")
    assert recorded(world) == [("backend", "login «KEY» «KEY» «KEY»", 3)]


def test_it_is_recorded_before_it_runs(world: World) -> None:
    world.runtime.fail("create", error=EngineError("no"))
    with pytest.raises(EngineError, match="no"):
        run(world, Screen())
    assert recorded(world) == [("backend", "sh", 125)]


def test_an_interrupted_one_leaves_nothing(world: World) -> None:
    before = set(world.runtime.containers)
    with pytest.raises(KeyboardInterrupt):
        run(world, Screen(interrupted=True))
    assert set(world.runtime.containers) == before
    assert recorded(world) == [("backend", "sh", 130)]


@pytest.mark.parametrize(
    ("error", "code"), [(BrokenPipeError(), 141), (EngineError("lost"), 125), (OSError(5, "io"), 125)]
)
def test_one_that_is_cut_off_is_recorded_as_ended(world: World, error: Exception, code: int) -> None:
    class Broken(Screen):
        def converse(self, session: Session) -> None:
            raise error

    before = set(world.runtime.containers)
    with pytest.raises(type(error)):
        run(world, Broken())
    assert recorded(world) == [("backend", "sh", code)]
    assert world.ledger.operations("shop", "staging")[0].finished is not None
    assert set(world.runtime.containers) == before


def test_what_a_killed_process_left_is_removed_by_the_next_one(world: World) -> None:
    class Killed(Screen):
        def converse(self, session: Session) -> None:
            raise SystemExit

    with subprocess.Popen(["true"]) as gone:
        pass
    kept, real = [], world.runtime.remove
    world.runtime.remove = lambda name, **more: kept.append(name)  # type: ignore[method-assign, misc]
    with suppress(SystemExit):
        run(world, Killed())
    world.runtime.remove = real  # type: ignore[method-assign]
    (name,) = kept
    assert examine(world.controller(), "shop", STAGING) == [], "its process, which is this one, runs"
    owner = re.sub(r"process \d+", f"process {gone.pid}", this_process())
    container = world.runtime.containers[name]
    container.info = dataclasses.replace(
        container.info, labels={**container.info.labels, "shipway.owner": f"ada {owner}"}
    )
    assert [item.thing for item in examine(world.controller(), "shop", STAGING)] == [name]
    repair(world.controller(), "shop", STAGING)
    assert name not in world.runtime.containers


def test_a_command_that_does_not_exist(world: World) -> None:
    before = set(world.runtime.containers)
    world.runtime.fail("start", error=NotRunnable('exec: "nosuch": executable file not found in $PATH'))
    assert run(world, Screen(), "backend", "nosuch") == NOT_RUN
    assert set(world.runtime.containers) == before
    assert "nosuch" in world.notes[-1]


def test_an_engine_that_hangs_is_what_the_error_says(world: World) -> None:
    """And not that the container's removal failed too."""
    for call in ("start", "stop", "remove"):
        world.runtime.fail(call, error=EngineError(f"no {call}"))
    with pytest.raises(EngineError, match="no start"):
        run(world, Screen())
    assert [note.rpartition(": ")[2] for note in world.notes[-2:]] == ["no stop", "no remove"]
    assert recorded(world) == [("backend", "sh", 125)]


def test_into_a_running_one(world: World) -> None:
    container = next(
        item for item in world.runtime.containers.values() if item.spec.labels["shipway.name"] == "backend"
    )
    container.behaviour = dataclasses.replace(container.behaviour, answers={"ls /": (4, "bin\n")})
    screen = Screen()
    assert run(world, screen, "backend", "ls", "/", into=True) == 4
    assert screen.shown == b"bin\n"
    assert recorded(world) == [("backend", "ls /", 4)]
    world.runtime.stop(container.info.name, 1)
    with pytest.raises(UsageError, match="no container of backend runs in staging"):
        run(world, Screen(), into=True)


def test_an_accessory_only_as_it_runs(world: World) -> None:
    with pytest.raises(UsageError, match="db is an accessory") as caught:
        run(world, Screen(), "db", "ls")
    assert "shipway exec staging db --into -- ls" in caught.value.hint
    run(world, Screen(), "db", "ls", into=True)
    with pytest.raises(UsageError, match="no service or accessory 'nosuch'"):
        run(world, Screen(), "nosuch", "ls")


def test_nothing_runs_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing runs in staging"):
        run(World(tmp_path), Screen())


def test_a_deployment_does_not_wait_for_it(world: World) -> None:
    class Deploying(Screen):
        def converse(self, session: Session) -> None:
            deploy(controller, DeployRequest(world.release(2), STAGING))
            super().converse(session)

    controller: Context = world.controller()
    assert run(world, Deploying()) == 3
    assert world.serving() == {2}
