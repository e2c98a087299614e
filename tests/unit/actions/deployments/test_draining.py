"""No container is told to stop while a request is open to it, up to the service's `drain`; what outlives that is counted."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.retire import retire_due
from shipway.domain.draining import QUIET, oldest, replaced_at
from shipway.domain.errors import DeployFailed
from shipway.domain.plan import LOCAL, Environment, Host, Service, Strategy
from shipway.domain.record import from_data, to_data
from shipway.domain.release import FAILED, PENDING
from shipway.testing.memory import Behaviour
from tests.unit.actions.upkeep.test_retire import busy, running
from tests.unit.domain.samples import STAGING, deployment
from tests.unit.world import World

TWO = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves."""
    return serving(tmp_path, STAGING)


def serving(folder: Path, environment: Environment) -> World:
    world = World(folder, [host.name for host in environment.hosts])
    put(world, 1, environment)
    return world


def put(world: World, number: int, environment: Environment = STAGING) -> None:
    deploy(world.controller(), DeployRequest(world.release(number, environment=environment), environment))


def later(world: World, seconds: float) -> float | None:
    """The background process, after so much time."""
    world.now += seconds
    return retire_due(world.controller(), "shop", "staging")


def ending(world: World) -> list[int]:
    """From now on a connection is open to each container, until it was looked at some times. Gives what each look saw."""
    seen: list[int] = []

    def connections(container: str, port: int) -> int:
        seen.append(int(len(seen) < 6))
        return seen[-1]

    world.runtime.connections = connections  # type: ignore[method-assign]
    return seen


def stops(world: World, release: int) -> list[str]:
    """Services of the release that were told to stop."""
    return [call.split("_")[2] for call in world.runtime.calls if call.startswith("stop ") and f"_{release}-" in call]


def cuts(world: World, release: int) -> list[str]:
    return [item.detail for item in world.ledger.evidence("shop", release) if item.kind == "drain"]


def test_the_command_ends_while_requests_are_open(world: World) -> None:
    busy(world, 1, 3)
    put(world, 2)
    assert running(world, 1) == ["backend"]
    assert stops(world, 1) == ["frontend", "worker"]  # nothing was open to these
    assert world.later == [("shop", "staging")]


def test_it_is_told_to_stop_when_the_last_one_has_ended(world: World) -> None:
    busy(world, 1, 3)
    put(world, 2)
    assert later(world, QUIET) is not None
    assert running(world, 1) == ["backend"]
    busy(world, 1, 0)
    assert later(world, 1) is None
    assert running(world, 1) == []
    assert cuts(world, 1) == []


def test_what_outlives_drain_is_cut_and_counted(world: World) -> None:
    busy(world, 1, 3)
    put(world, 2)
    assert later(world, 25) is not None
    assert running(world, 1) == ["backend"]
    assert later(world, 10) is None
    assert running(world, 1) == []
    assert cuts(world, 1) == ["stopped with 3 open connections, after a drain of up to 30 s"]


def test_where_nothing_can_be_counted_the_whole_drain_is_waited(world: World) -> None:
    busy(world, 1, None)
    put(world, 2)
    later(world, 25)
    assert running(world, 1) == ["backend"]
    assert later(world, 10) is None
    assert running(world, 1) == []


def test_a_rollback_to_a_release_that_drains_cancels_its_drain(world: World) -> None:
    busy(world, 1, 3)
    put(world, 2)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    busy(world, 1, 0)
    while (due := later(world, 5)) is not None:
        world.now = max(world.now, due)
    assert running(world, 1) == ["backend", "frontend", "worker"]
    assert world.serving() == {1}
    assert "backend" not in stops(world, 1)


def test_at_most_two_releases_drain_at_once(world: World) -> None:
    for number in (1, 2, 3):
        busy(world, number, 1)
        put(world, number + 1)
        busy(world, number + 1, 1)
    assert [running(world, number) for number in (1, 2, 3)] == [[], ["backend"], ["backend"]]
    assert any(note.startswith("release 1 is stopped before it is drained") for note in world.notes)
    assert len(cuts(world, 1)) == 1


def test_the_next_deployment_ends_what_no_process_waited_for(world: World) -> None:
    busy(world, 1, 1)
    put(world, 2)
    world.now += 100
    put(world, 3)
    assert world.runtime.list({"shipway.release": "1"}) == []
    assert len(cuts(world, 1)) == 1


def test_so_does_a_deployment_that_has_nothing_to_do(world: World) -> None:
    busy(world, 1, 1)
    put(world, 2)
    world.now += 100
    two = world.ledger.release("shop", 2)
    assert two is not None
    assert deploy(world.controller(), DeployRequest(two, STAGING)) is None
    assert running(world, 1) == []


def test_rolling_waits_for_the_requests_to_each_replica(tmp_path: Path) -> None:
    environment = dataclasses.replace(STAGING, strategy=Strategy("rolling"), replicas={"backend": 2, "worker": 1})
    world = serving(tmp_path, environment)
    seen = ending(world)
    put(world, 2, environment)
    assert seen[-3:] == [0, 0, 0]
    assert seen.index(0) > 5
    assert sorted(stops(world, 1)) == ["backend", "backend", "frontend", "worker"]
    assert cuts(world, 1) == []


def test_a_release_that_is_rolled_back_finishes_its_requests(world: World) -> None:
    checked = dataclasses.replace(STAGING, checks=("smoke",))
    world.runtime.behave("*_check_*", Behaviour(exit_code=1))
    switch = world.edge.switch

    def switched(owner: str, table: object) -> None:
        switch(owner, table)  # type: ignore[arg-type]
        busy(world, 2, 1)

    world.edge.switch = switched  # type: ignore[method-assign, assignment]
    with pytest.raises(DeployFailed):
        put(world, 2, checked)
    assert world.serving() == {1}
    assert running(world, 2) == ["backend"]
    assert world.later[-1:] == [("shop", "staging")]
    busy(world, 2, 0)
    assert later(world, 2) is None
    assert world.runtime.list({"shipway.release": "2"}) == []


def test_a_deployment_that_fails_leaves_older_requests_alone(world: World) -> None:
    busy(world, 1, 1)
    put(world, 2)
    world.runtime.behave("shop_staging_backend_3-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        put(world, 3)
    assert running(world, 1) == ["backend"]
    assert world.runtime.list({"shipway.release": "3"}) == []


def test_the_schema_is_reverted_only_when_no_request_is_open_to_the_newer_code(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(2, "0002"), STAGING))
    later(world, 60)
    seen = ending(world)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert seen.index(0) > 5
    assert running(world, 2) == []
    assert cuts(world, 2) == []
    assert world.database.applied == ["0001"]


def test_every_host_drains_its_own(tmp_path: Path) -> None:
    world = serving(tmp_path, TWO)
    other = world.engines["ssh://b"].runtime
    for name in other.containers:
        other.open[name] = 1
    put(world, 2, TWO)
    later(world, QUIET)
    assert running(world, 1) == []
    assert sum(item.running for item in other.list({"shipway.release": "1"})) == 2


def test_since_when_a_release_gets_no_requests() -> None:
    def item(id: int, release: int, outcome: str = "succeeded") -> object:
        return dataclasses.replace(deployment(id, release, outcome), finished=None if outcome == PENDING else 10.0 * id)

    history = [item(4, 3, PENDING), item(3, 1), item(2, 2, FAILED), item(1, 1)]
    assert [replaced_at(history, number) for number in (1, 2, 3, 7)] == [None, 20.0, None, 0.0]  # type: ignore[arg-type]
    after = [item(3, 2), item(2, 1)]
    assert [replaced_at(after, number) for number in (1, 2)] == [30.0, None]  # type: ignore[arg-type]


def test_the_oldest_release_is_the_one_that_drains_longest() -> None:
    assert oldest({1: 30.0, 2: 10.0, 3: 20.0}) == [2]
    assert oldest({1: 30.0, 2: 10.0}) == []


def test_a_record_of_an_older_version_keeps_the_time_that_it_had() -> None:
    data = to_data(Service("web", drain=10.0))
    del data["stop"]
    assert (from_data(Service, data).drain, from_data(Service, data).stop) == (10.0, 10.0)
    assert (from_data(Service, {**data, "drain": 45.0}).stop) == 45.0
    assert from_data(Service, to_data(Service("web"))) == Service("web")
