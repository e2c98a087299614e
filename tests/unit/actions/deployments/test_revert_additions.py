"""What a later deployment adds goes when it is taken back: accessories, networks, routes and ports. Volumes that requests may
have been written to stay, and are named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.doctor import examine
from shipway.domain.errors import DeployFailed, EngineError, ShipwayError
from shipway.domain.plan import LOCAL, SWARM, Accessory, Environment, Host
from shipway.domain.release import Release
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

TWO = dataclasses.replace(
    STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")), url="http://staging.shop.localhost:9090"
)
CACHE = Accessory("cache", "redis:7", "redis", volume="/data")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves on one of two hosts, without a cache."""
    made = World(tmp_path / "home", [LOCAL, "ssh://b"])
    made.images.public.add("redis:7")
    deploy(made.controller(), DeployRequest(made.release(1), STAGING))
    return made


def with_more(world: World, environment: Environment = TWO) -> Release:
    """It adds a cache, a host and a port of the edge."""
    made = world.release(2, environment=environment)
    accessories = {**made.plan.accessories, "cache": CACHE}
    return world.ledger.add_release(
        dataclasses.replace(made, number=0, plan=dataclasses.replace(made.plan, accessories=accessories), digest="")
    )


def things(world: World) -> object:
    return {
        name: (sorted(engine.runtime.containers), sorted(engine.runtime.networks), sorted(engine.runtime.volumes), sorted(engine.edge.held), sorted(engine.edge.tables))
        for name, engine in world.engines.items()
    }  # fmt: skip


def test_it_leaves_nothing_of_its_own(world: World) -> None:
    before, release = things(world), with_more(world)
    world.engines["ssh://b"].runtime.behave(f"shop_staging_backend_{release.number}-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(release, TWO, force=True))
    assert things(world) == before
    assert f"shop_staging_cache was removed, since release {release.number} had added it" in world.notes
    assert examine(world.controller(), "shop", STAGING) == []


def test_nodes_stay_in_networks_by_which_their_edges_reach_the_good_release(tmp_path: Path) -> None:
    """They run no services of their own: another host places them."""
    nodes = dataclasses.replace(TWO, platform=SWARM)
    world = World.deployed(tmp_path, nodes, 1)
    calls = world.engines["ssh://b"].runtime.calls
    calls.clear()
    release = world.release(2, environment=nodes)
    world.runtime.behave(f"shop_staging_backend_{release.number}-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(release, nodes))
    assert [call for call in calls if call.startswith(("remove_network", "disconnect"))] == []


def test_after_the_switch_its_volume_stays_and_is_named(world: World) -> None:
    release = with_more(world)
    world.engines["ssh://b"].edge.fail("switch", error=EngineError("an unclear outcome"), after=True)
    with pytest.raises(EngineError):
        deploy(world.controller(), DeployRequest(release, TWO, force=True))
    assert "shop_staging_cache" not in world.runtime.containers
    assert "shop_staging_cache" in world.runtime.volumes
    assert (
        f"the data of release {release.number} is kept in shop_staging_cache: its next deployment uses it, and "
        "`docker volume rm shop_staging_cache` removes it"
    ) in world.notes


@pytest.mark.every_point
def test_a_process_that_dies_leaves_it_to_the_next(world: World, tmp_path: Path) -> None:
    release, count = with_more(world), Death(0, after=False)
    deploy(world.copy(tmp_path / "count").controller(dies=count), DeployRequest(release, TWO, force=True))
    for at, after in list(every(count.effects))[::5]:
        here = world.copy(tmp_path / f"{at}{after}")
        try:
            deploy(here.controller(dies=Death(at, after=after)), DeployRequest(release, TWO, force=True))
        except (Killed, ShipwayError):
            pass
        here.now += 1000.0  # its lease has ended
        with exclusive_access(here.controller(), "shop", "staging", "the next command"):
            pass
        if here.serving() == {1}:
            assert "shop_staging_cache" not in here.runtime.containers, (at, after)
            other = here.engines["ssh://b"]
            assert (other.runtime.containers, other.runtime.networks, other.edge.held) == ({}, {}, set()), (at, after)
        here.close()


def test_an_accessory_that_was_there_before_stays(world: World) -> None:
    release = with_more(world, STAGING)
    deploy(world.controller(), DeployRequest(release, STAGING))
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert world.serving() == {1}
    world.edge.fail("switch", error=EngineError("an unclear outcome"), after=True)
    with pytest.raises(EngineError):
        deploy(world.controller(), DeployRequest(release, STAGING))
    assert world.runtime.containers["shop_staging_cache"].info.running
