"""A first deployment of this ledger that fails leaves what was adopted, and could not be rebuilt, as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.upkeep.adopt import adopt
from shipway.domain.errors import EngineError, ShipwayError
from shipway.domain.plan import Environment, Strategy
from shipway.domain.release import FAILED, Release
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.unit.actions.upkeep.test_adopt import Clone, surveyed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

ROLLING = dataclasses.replace(STAGING, strategy=Strategy("rolling"))


def adopted(folder: Path, theirs: int = 2) -> World:
    """A ledger that has adopted an environment of a lost one, of whose release it knows nothing. theirs: its number."""
    lost = World(folder / "lost")
    for number in range(1, theirs + 1):
        deploy(lost.controller(), DeployRequest(lost.release(number), STAGING))
    lost.close()
    mine = lost.neighbour(folder / "mine")
    release = lost.ledger.release("shop", 1)
    assert release is not None
    ctx, found = surveyed(mine, Clone(release))
    adopt(ctx, release.plan, found, Clone(release).parse)
    assert mine.ledger.deployments("shop", "staging") == []
    return mine


def own_release(world: World, environment: Environment = STAGING) -> Release:
    """With images that the lost ledger's releases didn't have."""
    made = world.release(1, environment=environment)
    images = {name: f"{image[:-3]}{made.number + 900}" for name, image in made.images.items()}
    world.images.public.update(images.values())
    return world.ledger.add_release(dataclasses.replace(made, images=images, tree=f"own-{made.number}", digest=""))


def stands(world: World) -> object:
    """What serves, and what is behind it."""
    rotation = world.runtime.networks["shipway_shop_staging_rotation"]
    containers = {name: item.info.state for name, item in world.runtime.containers.items()}
    return (
        world.serving(),
        {name: item for name, item in containers.items() if item == "running"},
        sorted(rotation),
        sorted(world.runtime.volumes),
    )


@pytest.mark.parametrize("number", [2, 4])  # 2: both ledgers have a release of that number
@pytest.mark.parametrize("environment", [STAGING, ROLLING], ids=["blue-green", "rolling"])
@pytest.mark.parametrize("fault", ["unhealthy", "switch", "accessory"])
def test_a_first_deployment_that_fails_leaves_what_served(
    tmp_path: Path, number: int, environment: Environment, fault: str
) -> None:
    world = adopted(tmp_path)
    before = stands(world)
    release = own_release(world, environment)
    while release.number < number:
        release = own_release(world, environment)
    if fault == "accessory":
        world.images.public.add("postgres:15.1")
        changed = dataclasses.replace(release.plan.accessories["db"], image="postgres:15.1")
        release = dataclasses.replace(release, plan=dataclasses.replace(release.plan, accessories={"db": changed}))
    if fault == "switch":
        world.edge.fail("switch", error=EngineError("an unclear outcome"), after=True)
    else:
        world.runtime.behave(f"shop_staging_worker_{number}-*", Behaviour(healthy=False, exit_code=1))
    with pytest.raises(ShipwayError):
        deploy(world.controller(), DeployRequest(release, environment, force=True))
    assert stands(world) == before
    (record,) = world.ledger.deployments("shop", "staging")
    assert record.outcome == FAILED


@pytest.mark.every_point
def test_a_process_that_dies_at_any_point_leaves_it_to_the_next(tmp_path: Path) -> None:
    world = adopted(tmp_path)
    own_release(world)
    release, before = own_release(world), stands(world)
    world.edge.fail("switch", error=EngineError("an unclear outcome"), after=True)
    count = Death(0, after=False)
    with pytest.raises(ShipwayError):
        deploy(world.copy(tmp_path / "count").controller(dies=count), DeployRequest(release, STAGING))
    for at, after in list(every(count.effects))[::5]:
        here = world.copy(tmp_path / f"{at}{after}")
        with pytest.raises((Killed, ShipwayError)):
            deploy(here.controller(dies=Death(at, after=after)), DeployRequest(release, STAGING))
        here.now += 1000.0  # its lease has ended
        with exclusive_access(here.controller(), "shop", "staging", "the next command"):
            pass
        finished = here.serving() == {release.number}  # it had switched
        assert finished or stands(here) == before, (at, after)
        here.close()


def test_the_first_that_succeeds_takes_over(tmp_path: Path) -> None:
    world = adopted(tmp_path)
    own_release(world)
    release = own_release(world)
    deploy(world.controller(), DeployRequest(release, STAGING))
    assert world.serving() == {release.number}
    assert not [name for name in world.runtime.containers if "_2-" in name]


def test_a_database_that_was_adopted_is_copied_before_migrations(tmp_path: Path) -> None:
    world = adopted(tmp_path)
    release = own_release(world)
    database = dataclasses.replace(release.plan.database, folder="0002")  # type: ignore[type-var]
    release = dataclasses.replace(release, schema="0002", plan=dataclasses.replace(release.plan, database=database))
    deploy(world.controller(), DeployRequest(release, STAGING))
    assert world.database.applied == ["0001", "0002"]
    (taken,) = world.ledger.snapshots("shop", "staging")
    assert (taken.release, taken.rows) == (0, {"public.pets": 3})
