"""What waiting for health tells, and when."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.status import status
from shipway.context import Context
from shipway.domain.container import ContainerSpec
from shipway.domain.errors import DeployFailed, Interrupted
from shipway.domain.plan import Environment, Health, Watch
from shipway.steps.health import wait_healthy
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

LOOPS = Behaviour(("connecting", "no queue"), loops=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def real_time(world: World) -> Context:
    """A context whose time is the machine's, on containers `a` and `b`."""
    for name in "ab":
        world.have("img")
        world.runtime.create(ContainerSpec(name, "img", {}))
        world.runtime.start(name)
    return dataclasses.replace(world.controller(), clock=time.time, cancelled=threading.Event())


def test_a_command_that_hangs_is_bounded_by_the_timeout(world: World) -> None:
    ctx = real_time(world)
    world.runtime.execute = lambda *args, **more: time.sleep(30)  # type: ignore[method-assign, assignment, return-value]
    started = time.monotonic()
    with pytest.raises(DeployFailed, match=r"a: not healthy within 0\.3 s: `hang` did not finish"):
        wait_healthy(ctx, [("a", Health(command="hang", timeout=0.3), None)])
    assert time.monotonic() - started < 2


def test_the_last_answer_is_told_and_not_that_there_was_no_time_for_another_one(world: World) -> None:
    ctx = real_time(world)
    answers = [(1, "the shelves are empty")]

    def execute(*args: object, **more: object) -> tuple[int, str]:
        if answers:
            return answers.pop()
        time.sleep(30)
        return 0, ""

    world.runtime.execute = execute  # type: ignore[method-assign, assignment]
    with pytest.raises(
        DeployFailed, match=r"a: not healthy within 0\.3 s: `look` exited with 1: the shelves are empty"
    ):
        wait_healthy(ctx, [("a", Health(command="look", timeout=0.3), None)])


def test_a_secret_is_hidden_before_the_output_of_a_command_is_cut(world: World) -> None:
    ctx = real_time(world)
    secret = "canary-6f1e0b7a9c2d4e83a5b6"
    ctx.redactor.add({"TOKEN": secret})
    world.runtime.execute = lambda *args, **more: (1, f"{secret}{'.' * 190}")  # type: ignore[method-assign, assignment]
    with pytest.raises(DeployFailed, match=r"exited with 1: «?[A-Z]+»") as caught:
        wait_healthy(ctx, [("a", Health(command="tell", timeout=0.1), None)])
    assert secret[-8:] not in str(caught.value)


def test_ctrl_c_ends_the_wait_for_a_command_that_hangs(world: World) -> None:
    ctx = real_time(world)
    world.runtime.execute = lambda *args, **more: time.sleep(30)  # type: ignore[method-assign, assignment, return-value]
    threading.Timer(0.2, ctx.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(Interrupted):
        wait_healthy(ctx, [("a", Health(command="hang", timeout=60), None)])
    assert time.monotonic() - started < 25


def test_a_crash_is_told_at_once_and_not_when_the_slowest_other_one_has_ended(world: World) -> None:
    ctx = real_time(world)

    def execute(container: str, command: Sequence[str]) -> tuple[int, str]:
        world.runtime.stop("b", 1)
        return 1, "not yet"

    world.runtime.execute = execute  # type: ignore[method-assign, assignment]
    started = time.monotonic()
    with pytest.raises(DeployFailed, match="b: it exited"):
        wait_healthy(
            ctx, [("a", Health(command="slow", timeout=20), None), ("b", Health(command="quick", timeout=20), None)]
        )
    assert time.monotonic() - started < 2


def test_probes_are_requests_to_the_public_address(world: World) -> None:
    public = Environment("staging", "https://shop.example:8443")
    release = world.release(1, environment=public)
    services = dict(release.plan.services)
    services["backend"] = dataclasses.replace(
        services["backend"], health=Health("/ok", headers={"X-Key": "7", "Host": "own.example"})
    )
    plan = dataclasses.replace(release.plan, services=services)
    deploy(world.controller(), DeployRequest(dataclasses.replace(release, plan=plan), public))
    forwarded = {"X-Forwarded-Host": "shop.example:8443", "X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https"}
    assert {"Host": "shop.example:8443", **forwarded} in world.runtime.asked
    assert {"Host": "own.example", **forwarded, "X-Key": "7"} in world.runtime.asked
    routes = world.edge.tables["shop_staging"]["routes"]
    assert [route.get("headers") for route in routes] == [None, {"X-Key": "7", "Host": "own.example"}]


def test_the_usual_port_is_not_in_the_host_header() -> None:
    assert Environment("production", "https://shop.example").forwarded["Host"] == "shop.example"
    assert Environment("production", "http://shop.example:443").forwarded["Host"] == "shop.example:443"


def serving_one(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))


def test_a_worker_that_exits_again_and_again_fails_the_deployment(world: World) -> None:
    serving_one(world)
    before = world.state()
    world.runtime.behave("shop_staging_worker_2-*", LOOPS)
    with pytest.raises(DeployFailed, match=r"(?s)worker_2-.*connecting.*no queue"):
        deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    assert world.state() == before


def test_a_worker_that_begins_to_crash_while_it_is_watched_fails_the_deployment(world: World) -> None:
    watched = dataclasses.replace(STAGING, watch=Watch(duration=5.0, requests=1))
    deploy(world.controller(), DeployRequest(world.release(1, environment=watched), watched))
    traffic = world.edge.traffic

    def seen(owner: str) -> object:
        for item in world.runtime.containers.values():
            if "_worker_2-" in item.info.name:
                item.behaviour = LOOPS
        return traffic(owner)

    world.edge.traffic = seen  # type: ignore[method-assign, assignment]
    with pytest.raises(DeployFailed, match=r"exited|crash-looping"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=watched), watched))
    assert world.serving() == {1}


def crash(world: World, part: str) -> None:
    """From now on it crashes again and again."""
    for item in world.runtime.containers.values():
        if part in item.info.name:
            item.behaviour = LOOPS
            item.info = dataclasses.replace(item.info, state="restarting", restarts=7)


def test_status_and_doctor_name_a_crash_loop(world: World) -> None:
    serving_one(world)
    crash(world, "_worker_1-")
    found = status(world.controller(), "shop", STAGING)
    assert [name.partition(" ")[0].split("_")[2] for name in found.crashing] == ["worker"]
    assert any("is in a crash loop" in item.problem for item in examine(world.controller(), "shop", STAGING))


def test_nothing_of_a_release_that_crashes_survives_the_next_one(world: World) -> None:
    serving_one(world)
    crash(world, "_worker_1-")
    deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    assert {item.info.state for name, item in world.runtime.containers.items() if "_worker_1-" in name} == {"exited"}


def test_nothing_of_a_release_that_crashes_survives_a_rollback(world: World) -> None:
    serving_one(world)
    deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    crash(world, "_worker_2-")
    rollback(world.controller(), "shop", "staging", RollbackRequest(way="code only"))
    from shipway.actions.upkeep.retire import retire_due

    retire_due(world.controller(), "shop", "staging")
    assert {item.info.state for name, item in world.runtime.containers.items() if "_worker_2-" in name} == {"exited"}
