"""What `shipway status` says of containers that aren't the current release's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.upkeep.retire import retire
from shipway.actions.upkeep.status import Draining, EnvironmentStatus, Standby, status
from shipway.domain.plan import LOCAL, Host
from shipway.system.durations import moment
from tests.unit.domain.samples import STAGING, deployment
from tests.unit.world import Engine, World

WARM = dataclasses.replace(STAGING, standby=3600.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 2 serves, release 1 is on standby."""
    return World.deployed(tmp_path, WARM, 1, 2)


def read(world: World) -> EnvironmentStatus:
    return status(world.controller(), "shop", WARM)


def test_what_stands_by_is_no_stray(world: World) -> None:
    found = read(world)
    assert found.current is not None
    assert found.current.finished is not None
    assert found.standby == (Standby(1, found.current.finished + 3600, 2),)
    assert found.orphans == ()


def test_a_release_that_drains_is_no_stray(tmp_path: Path) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    for name in world.runtime.containers:
        world.runtime.open[name] = 1
    deploy(world.controller(), DeployRequest(world.release(2), STAGING))
    found = status(world.controller(), "shop", STAGING)
    assert found.current is not None
    assert found.current.finished is not None
    assert found.draining == (Draining(1, found.current.finished + 30, 2),)
    assert (found.standby, found.orphans) == ((), ())


def test_what_is_kept_stopped_is_not_told(world: World) -> None:
    retire(world.controller(), "shop", "staging")
    assert (read(world).standby, read(world).orphans) == ((), ())


def test_a_stray_is_told(world: World) -> None:
    old = next(item.info.name for item in world.runtime.containers.values() if "worker_1-" in item.info.name)
    world.runtime.start(old)  # workers don't stand by
    assert read(world).orphans == (old,)


def test_what_is_being_deployed_is_no_stray_while_somebody_deploys_it(world: World) -> None:
    spec = next(
        item.spec for item in world.runtime.containers.values() if item.info.labels.get("shipway.release") == "2"
    )
    labels = {**spec.labels, "shipway.release": "3", "shipway.config": "3"}
    world.runtime.create(dataclasses.replace(spec, name="shop_staging_web_3", labels=labels))
    world.runtime.start("shop_staging_web_3")
    world.release(3, environment=WARM)
    world.ledger.begin_deployment(deployment(0, 3, "pending"))
    world.ledger.acquire("shop/staging", "ada", "deploys", 15)
    assert ([item.release for item in read(world).standby], read(world).orphans) == ([1], ())
    world.now += 60
    assert ([item.release for item in read(world).standby], read(world).orphans) == ([1], ("shop_staging_web_3",))


def test_moments() -> None:
    assert moment(3600 * 4 + 720, 0) == "04:12 UTC"
    assert moment(86400, 86399) == "1970-01-02 00:00 UTC"


def test_several_hosts_are_counted_together_and_one_that_is_away_is_told(tmp_path: Path) -> None:
    two = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))
    world = World.deployed(tmp_path, two, 1)
    found = status(world.controller(), "shop", two)
    assert (found.services, found.unreachable) == ({"frontend": (2, 2), "backend": (2, 2), "worker": (2, 2)}, ())
    world.engines["ssh://b"].away = True
    found = status(world.controller(), "shop", two)
    assert (found.services["backend"], found.unreachable) == ((1, 2), ("ssh://b: ssh://b can't be reached",))


def test_one_host_that_is_away_hides_no_other_environment(tmp_path: Path) -> None:
    world = World(tmp_path)
    far = dataclasses.replace(STAGING, hosts=(Host("ssh://b"),))
    world.engines["ssh://b"] = Engine("ssh://b", world.images)
    world.engines["ssh://b"].away = True
    found = status(world.controller(), "shop", far)
    assert found.unreachable == ("ssh://b: ssh://b can't be reached",)
