"""A migration tool's commands share one container for the duration of an operation."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from shipway.actions.environment.tool_container import one_off, tool_containers
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import EngineError, Interrupted, NotRunnable
from shipway.testing.memory import Behaviour
from tests.unit.world import World

ENV = {"KEY": "value"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.images.public.add("app:1")
    world.runtime.behave("tool_*", Behaviour(answers={"list": (0, "0001\n0002\n"), "down": (3, "it failed\n")}))
    world.runtime.ensure_network("net", {})
    return world


def spec(**changes: object) -> ContainerSpec:
    made = ContainerSpec("tool", "app:1", {"shipway.role": "job"}, env=ENV, networks={"net": ()})
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def started(world: World) -> int:
    return sum(call.startswith("start tool_") for call in world.runtime.calls)


def test_one_container_for_all_commands_of_a_specification(world: World) -> None:
    with tool_containers(world.controller()) as ctx:
        assert one_off(ctx, spec())(["list"]) == (0, "0001\n0002")
        assert one_off(ctx, spec())(["down"]) == (3, "it failed")
        assert started(world) == 1
        (container,) = world.runtime.containers.values()
        assert (container.spec.entrypoint, container.spec.env, dict(container.info.labels)["shipway.role"]) == (
            ("sleep",),
            ENV,
            "job",
        )
        one_off(ctx, spec(env={"KEY": "other"}))(["list"])
        assert started(world) == 2
    assert world.runtime.containers == {}


def test_outside_of_an_operation_each_command_has_its_own(world: World) -> None:
    world.runtime.behave("tool_*", Behaviour(("0001",), exit_code=0))
    run = one_off(world.controller(), spec())
    assert [run(["list"]), run(["list"])] == [(0, "0001"), (0, "0001")]
    assert (started(world), world.runtime.containers) == (2, {})


def test_an_image_without_sleep_gets_a_container_for_each(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.runtime.behave("tool_*", Behaviour(("0001",), exit_code=0))
    start = world.runtime.start

    def without_sleep(container: str) -> None:
        found = world.runtime.find(container)
        assert found
        if world.runtime.containers[found.name].spec.entrypoint == ("sleep",):
            raise NotRunnable("exec: sleep: not found")
        start(container)

    with tool_containers(world.controller()) as ctx:
        monkeypatch.setattr(world.runtime, "start", without_sleep)
        assert one_off(ctx, spec())(["list"]) == (0, "0001")
        assert one_off(ctx, spec())(["list"]) == (0, "0001")
    assert sum(call.startswith("create tool_") for call in world.runtime.calls) == 3
    assert world.runtime.containers == {}


@pytest.mark.parametrize("lost", ["the network", "the container"])
def test_what_was_removed_meanwhile_is_started_again(world: World, lost: str) -> None:
    with tool_containers(world.controller()) as ctx:
        run = one_off(ctx, spec())
        run(["list"])
        if lost == "the network":
            world.runtime.remove_network("net")
            world.runtime.ensure_network("net", {})
        else:
            world.runtime.remove(next(iter(world.runtime.containers)))
        assert run(["list"]) == (0, "0001\n0002")
        assert started(world) == 2
    assert world.runtime.containers == {}


def test_a_command_that_is_interrupted_ends_with_its_container(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    with tool_containers(world.controller()) as ctx:
        run = one_off(ctx, spec())
        run(["list"])

        def hang(*args: object, **options: object) -> tuple[int, str]:
            ctx.cancelled.set()
            over.wait(60)
            raise EngineError("the container was removed")

        with monkeypatch.context() as patched:
            patched.setattr(world.runtime, "execute", hang)
            with pytest.raises(Interrupted):
                run(["down"])
        over.set()
        assert world.runtime.containers == {}
        ctx.cancelled.clear()
        assert run(["down"]) == (3, "it failed")


def test_what_fails_at_the_end_does_not_hide_the_result(world: World) -> None:
    """The next operation removes the container, as any job of a process that died."""
    with tool_containers(world.controller()) as ctx:
        one_off(ctx, spec())(["list"])
        world.runtime.fail("remove", error=EngineError("unreachable"))
    assert len(world.runtime.containers) == 1
