"""How a release takes over: several hosts together or not at all, some replicas at a time, by a growing share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.waits import hold_of
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain import routes
from shipway.domain.errors import DeployFailed, EngineError, ShipwayError
from shipway.domain.plan import LOCAL, Environment, Host, Strategy, Watch
from shipway.domain.release import FAILED, SUCCEEDED
from shipway.domain.traffic import Traffic
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

OTHER = "ssh://b"
TWO = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host(OTHER)))
ROLLING = dataclasses.replace(STAGING, strategy=Strategy("rolling"), replicas={"backend": 3, "worker": 2})
CANARY = dataclasses.replace(
    STAGING, strategy=Strategy("canary", steps=(0.1, 0.5), hold=1.0), watch=Watch(requests=20, latency=2.0)
)


def world_of(folder: Path, environment: Environment) -> World:
    """Release 1 serves."""
    world = World.deployed(folder, environment, 1)
    return world


def test_what_does_not_stay_healthy_gets_no_request(tmp_path: Path) -> None:
    world = world_of(tmp_path, STAGING)
    start = world.runtime.start

    def started(name: str) -> None:
        start(name)
        if "_worker_2" in name:  # the web services are healthy by now
            for item in world.runtime.containers.values():
                if item.info.labels["shipway.name"] == "backend" and "_2-" in item.info.name:
                    item.behaviour = Behaviour(healthy=False)

    world.runtime.start = started  # type: ignore[method-assign]
    switched = tables(world)
    with pytest.raises(DeployFailed, match="not healthy"):
        deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    assert not any(table["release"] == 2 for table in switched)
    assert world.serving() == {1}


@pytest.mark.parametrize(
    "environment", [STAGING, TWO, ROLLING, CANARY], ids=["blue-green", "two hosts", "rolling", "canary"]
)
def test_what_starts_leaves_the_processor_to_what_serves(tmp_path: Path, environment: Environment) -> None:
    """Until requests come to it."""
    world = world_of(tmp_path, environment)
    begun: dict[str, bool] = {}
    switch, start = world.edge.switch, world.runtime.start

    def low() -> set[str]:
        return {item.info.name for item in world.runtime.containers.values() if item.spec.low_priority}

    def started(name: str) -> None:
        begun.setdefault(name, name in low())
        start(name)

    def switched(owner: str, table: Mapping[str, object]) -> None:
        assert not low() & routes.upstreams(table)
        switch(owner, table)

    world.edge.switch, world.runtime.start = switched, started  # type: ignore[method-assign]
    assert not low(), "nothing serves beside a first deployment"
    deploy(world.controller(), DeployRequest(world.release(2, environment=environment), environment))
    assert all(begun[name] for name in begun if "_backend_2-" in name)
    assert not low()
    begun.clear()
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert not any(begun.values()), "a rollback is in a hurry"


def tables(world: World) -> list[dict[str, Any]]:
    """Those that the first edge gets from now on."""
    seen: list[dict[str, Any]] = []
    switch = world.edge.switch

    def heard(owner: str, table: Mapping[str, object]) -> None:
        switch(owner, table)
        seen.append(world.edge.tables[owner])

    world.edge.switch = heard  # type: ignore[method-assign]
    return seen


def shares(table: dict[str, Any], prefix: str) -> dict[int, int]:
    """By release, the weight of a route."""
    (route,) = (item for item in table["routes"] if item["prefix"] == prefix)
    return {group["release"]: group["weight"] for group in route["groups"]}


# several hosts


def test_all_hosts_run_it_and_the_first_has_the_accessories(tmp_path: Path) -> None:
    world = world_of(tmp_path, TWO)
    names = {
        name: sorted(item.split("_")[2] for item in engine.runtime.containers) for name, engine in world.engines.items()
    }
    assert names == {LOCAL: ["backend", "db", "frontend", "worker"], OTHER: ["backend", "frontend", "worker"]}
    here, there = (
        next(
            item.spec.env["DATABASE_URL"]
            for item in engine.runtime.containers.values()
            if "_backend_" in item.spec.name
        )
        for engine in world.engines.values()
    )
    assert "@db:5432/" in here
    (port,) = world.runtime.containers["shop_staging_db"].spec.publish
    assert f"@10.0.0.1:{port.host_port}/" in there
    assert (port.address, port.container_port) == ("10.0.0.1", 5432)


@pytest.mark.parametrize("host", [LOCAL, OTHER])
@pytest.mark.parametrize("what", ["create", "start", "connect", "switch"])
def test_a_failure_on_one_host_takes_every_host_back(tmp_path: Path, host: str, what: str) -> None:
    world = world_of(tmp_path, TWO)
    before = world.state()
    engine = world.engines[host]
    (engine.edge if what == "switch" else engine.runtime).fail(what, error=EngineError("the disk is full"))
    with pytest.raises(ShipwayError, match="the disk is full"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))
    assert world.state() == before
    assert world.ledger.deployments("shop", "staging")[0].outcome == FAILED


def test_an_error_names_its_host(tmp_path: Path) -> None:
    world = world_of(tmp_path, TWO)
    world.engines[OTHER].runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed, match="ssh://b: shop_staging_backend_2-"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))


def test_a_host_that_is_away_refuses_the_deployment_before_anything_is_done(tmp_path: Path) -> None:
    world = world_of(tmp_path, TWO)
    before = world.state()
    world.engines[OTHER].away = True
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))
    assert world.state() == before


def test_a_host_that_vanishes_on_the_way_leaves_the_others_on_the_old_release(tmp_path: Path) -> None:
    world = world_of(tmp_path, TWO)
    other = world.engines[OTHER]
    release = world.release(2, environment=TWO)
    other.edge.fail("switch", error=EngineError("connection lost"))
    for later in range(2, 52):
        other.edge.fail("routes", at=later, error=EngineError("connection lost"))
    with pytest.raises(ShipwayError, match="connection lost"):
        deploy(world.controller(), DeployRequest(release, TWO))
    assert {group["release"] for route in world.edge.tables["shop_staging"]["routes"] for group in route["groups"]} == {
        1
    }
    assert [item for item in world.runtime.containers if "_2-" in item] == []
    other.edge.__dict__["_faults"].clear()
    deploy(world.controller(), DeployRequest(release, TWO))
    assert world.serving() == {2}


def test_a_host_that_leaves_the_plan_is_emptied(tmp_path: Path) -> None:
    world = world_of(tmp_path, TWO)
    alone = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"),))
    deploy(
        world.controller(), DeployRequest(world.release(2, environment=alone), alone, force=True)
    )  # the database is published no more
    assert list(world.engines[OTHER].runtime.containers) == []
    assert world.engines[OTHER].edge.tables == {}
    assert world.serving() == {2}


def test_accessories_do_not_move_to_another_host_by_themselves(tmp_path: Path) -> None:
    world = world_of(tmp_path, TWO)
    turned = dataclasses.replace(TWO, hosts=(Host(OTHER, "10.0.0.2"), Host(LOCAL)))
    with pytest.raises(ShipwayError, match="shop_staging_db would start empty on ssh://b"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=turned), turned))


# strategies


def test_rolling_replaces_one_replica_at_a_time(tmp_path: Path) -> None:
    world = world_of(tmp_path, ROLLING)
    seen, running = tables(world), most_running(world)
    deploy(world.controller(), DeployRequest(world.release(2, environment=ROLLING), ROLLING))
    assert [shares(table, "/api") for table in seen] == [{2: 1, 1: 2}, {2: 2, 1: 1}, {2: 1}]
    assert [shares(table, "/") for table in seen] == [{2: 1}, {2: 1}, {2: 1}]
    assert running() == {"frontend": 2, "backend": 4, "worker": 3}
    assert world.serving() == {2}


def most_running(world: World) -> Callable[[], dict[str, int]]:
    """At any time from now on, by service."""
    most: dict[str, int] = {}
    start = world.runtime.start

    def counted(container: str) -> None:
        start(container)
        for service in ("frontend", "backend", "worker"):
            found = world.runtime.list({"shipway.name": service, "shipway.role": "service"})
            most[service] = max(most.get(service, 0), sum(item.running for item in found))

    world.runtime.start = counted  # type: ignore[method-assign]
    return lambda: most


def test_rolling_starts_what_it_stopped_where_a_later_replica_fails(tmp_path: Path) -> None:
    world = world_of(tmp_path, ROLLING)
    before = world.state()
    world.runtime.behave("shop_staging_backend_2-*_3", Behaviour(healthy=False))
    with pytest.raises(DeployFailed, match="not healthy"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=ROLLING), ROLLING))
    assert world.state() == before


def test_a_canary_gets_its_share_step_by_step(tmp_path: Path) -> None:
    world = world_of(tmp_path, CANARY)
    seen = tables(world)
    world.edge.counted["shop_staging"] = {}
    deploy(world.controller(), DeployRequest(world.release(2, environment=CANARY), CANARY))
    assert [shares(table, "/api") for table in seen] == [{1: 900, 2: 100}, {1: 500, 2: 500}, {2: 1}]
    assert sum("insufficient data" in note for note in world.notes) == 2
    assert sum(call.startswith("probe shop_staging 2") for call in world.edge.calls) == 40
    assert world.ledger.deployments("shop", "staging")[0].outcome == SUCCEEDED


def growing(world: World, new: Traffic, old: Traffic) -> None:
    """Each look at the edge finds this much more."""
    total = {1: Traffic(), 2: Traffic()}

    def traffic(owner: str) -> Mapping[int, Traffic]:
        found = dict(total)
        total[1], total[2] = total[1] + old, total[2] + new
        return found

    world.edge.traffic = traffic  # type: ignore[method-assign]


FAST, SLOW = {0.1: 95, 1.0: 100}, {0.1: 10, 1.0: 100}


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (Traffic(100, 5, FAST), r"5 of 100 requests failed, more than 1\.00%"),
        (Traffic(100, 0, SLOW), "95 % of its requests took up to 1 s; those of the previous release took up to 0.1 s"),
    ],
)
def test_a_canary_that_does_badly_is_taken_back(tmp_path: Path, new: Traffic, why: str) -> None:
    world = world_of(tmp_path, CANARY)
    before = world.state()
    growing(world, new, Traffic(900, 0, {0.1: 895, 1.0: 900}))
    with pytest.raises(DeployFailed, match="release 2 is rolled back: " + why):
        deploy(world.controller(), DeployRequest(world.release(2, environment=CANARY), CANARY))
    assert world.state() == before
    assert [name for name in world.runtime.calls if "start shop_staging_worker_2" in name] == [], (
        "its workers never ran"
    )


def test_a_canary_that_does_well_is_promoted_without_probes(tmp_path: Path) -> None:
    world = world_of(tmp_path, CANARY)
    growing(world, Traffic(100, 0, FAST), Traffic(900, 0, {0.1: 895, 1.0: 900}))
    deploy(world.controller(), DeployRequest(world.release(2, environment=CANARY), CANARY))
    assert world.serving() == {2}
    assert not [call for call in world.edge.calls if call.startswith("probe")]


def test_a_canary_without_visitors_is_judged_by_probes(tmp_path: Path) -> None:
    world = world_of(tmp_path, CANARY)
    world.edge.sick.add(2)
    with pytest.raises(
        DeployFailed, match=r"20 of 20 requests failed, more than 1\.00%; 20 of these were synthetic: 500"
    ):
        deploy(world.controller(), DeployRequest(world.release(2, environment=CANARY), CANARY))
    assert world.serving() == {1}


def test_errors_in_the_watch_window_roll_back(tmp_path: Path) -> None:
    watched = dataclasses.replace(STAGING, watch=Watch(duration=5.0, requests=10))
    world = world_of(tmp_path, watched)
    growing(world, Traffic(100, 50), Traffic())
    with pytest.raises(DeployFailed, match="release 2 is rolled back: 50 of 100 requests failed"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=watched), watched))
    assert world.serving() == {1}
    hold = hold_of(world.controller(), "shop", "staging")
    assert hold is not None
    assert (hold.actor, hold.release) == ("Shipway", 2)
    assert "50 of 100 requests failed" in hold.reason


def test_what_fails_before_it_has_requests_holds_nothing(tmp_path: Path) -> None:
    world = world_of(tmp_path, STAGING)
    world.runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    assert hold_of(world.controller(), "shop", "staging") is None


def test_a_rollback_is_never_a_canary(tmp_path: Path) -> None:
    world = world_of(tmp_path, CANARY)
    deploy(world.controller(), DeployRequest(world.release(2, environment=CANARY), CANARY))
    seen = tables(world)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert [shares(table, "/api") for table in seen] == [{1: 1}]


def test_rolling_reaches_a_host_that_is_new_in_the_plan(tmp_path: Path) -> None:
    world = World(tmp_path, [LOCAL, OTHER])
    alone = dataclasses.replace(ROLLING, hosts=(Host(LOCAL, "10.0.0.1"),))
    deploy(world.controller(), DeployRequest(world.release(1, environment=alone), alone))
    both = dataclasses.replace(ROLLING, hosts=(Host(LOCAL, "10.0.0.1"), Host(OTHER)))
    deploy(
        world.controller(), DeployRequest(world.release(2, environment=both), both, force=True)
    )  # the database gets a port
    assert world.serving() == {2}
    assert shares(world.engines[OTHER].edge.tables["shop_staging"], "/api") == {2: 1}
