"""An accessory that is replaced loses nothing, and comes back where its replacement fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.upkeep.doctor import examine, repair
from shipway.domain.errors import DeployFailed, ShipwayError, UsageError
from shipway.domain.release import FAILED
from shipway.domain.volumes import is_anonymous
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

DB = "shop_staging_db"
SETTING = {"command": "postgres -c max_connections=50"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves; its database's image declares a volume that the plan doesn't name."""
    world = World(tmp_path)
    world.images.configs["postgres:15"] = {"Volumes": {"/data": {}, "/other": {}}}
    deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    return world


def rows(world: World) -> str:
    """The anonymous volume of the database, which has rows from now on."""
    found = world.runtime.find(DB)
    assert found is not None
    (volume,) = (name for name in found.volumes.values() if is_anonymous(name))
    world.runtime.volumes[volume]["table"] = b"1000 rows"
    return volume


def test_an_anonymous_volume_goes_over_to_the_container_that_replaces_another(world: World) -> None:
    volume = rows(world)
    deploy(world.controller(), DeployRequest(world.release(2, **SETTING), STAGING, force=True))
    found = world.runtime.find(DB)
    assert found is not None
    assert found.volumes == {"/data": DB, "/other": volume}
    assert world.runtime.volumes[volume] == {"table": b"1000 rows"}
    assert [name for name in world.runtime.containers if "_db" in name] == [DB]


def test_the_old_database_comes_back_where_the_new_one_does_not_start(world: World) -> None:
    volume, before = rows(world), world.runtime.find(DB)
    world.have("postgres:15-bad")
    world.runtime.behave("postgres:15-bad", Behaviour(exit_code=1))
    with pytest.raises(DeployFailed, match=DB):
        deploy(world.controller(), DeployRequest(world.release(2, image="postgres:15-bad"), STAGING, force=True))
    after = world.runtime.find(DB)
    assert before is not None
    assert after is not None
    assert (after.id, after.state) == (before.id, "running")
    assert world.runtime.volumes[volume] == {"table": b"1000 rows"}
    assert [name for name in world.runtime.containers if "_db" in name] == [DB]
    assert not examine(world.controller(), "shop", STAGING)
    assert world.ledger.deployments("shop", "staging")[0].outcome == FAILED


def test_the_old_database_comes_back_where_the_release_fails_later(world: World) -> None:
    before = world.runtime.find(DB)
    world.runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed, match="backend"):
        deploy(world.controller(), DeployRequest(world.release(2, **SETTING), STAGING, force=True))
    after = world.runtime.find(DB)
    assert before is not None
    assert after is not None
    assert (after.id, after.state) == (before.id, "running")


def test_a_first_deployment_that_fails_leaves_no_volume(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.configs["postgres:15"] = {"Volumes": {"/data": {}, "/other": {}}}
    world.runtime.behave("shop_staging_backend_1-*", Behaviour(healthy=False))
    with pytest.raises(ShipwayError):
        deploy(world.controller(), DeployRequest(world.release(1), STAGING))
    assert world.runtime.volumes == {}


def test_doctor_makes_a_missing_database_again_with_its_volume(world: World) -> None:
    world.runtime.volumes[DB]["table"] = b"rows"
    world.runtime.remove(DB)
    assert [item.thing for item in examine(world.controller(), "shop", STAGING)] == [DB]
    repair(world.controller(), "shop", STAGING)
    found = world.runtime.find(DB)
    assert found is not None
    assert found.running
    assert world.runtime.volumes[DB] == {"table": b"rows"}
    assert not examine(world.controller(), "shop", STAGING)


def test_a_database_in_an_anonymous_volume_is_copied_into_the_named_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.configs["postgres:15"] = {"Volumes": {"/data/below": {}}}
    deploy(world.controller(), DeployRequest(world.release(1, volume="/data"), STAGING, force=True))
    volume = rows(world)
    deploy(world.controller(), DeployRequest(world.release(2, volume="/data/below"), STAGING, force=True))
    found = world.runtime.find(DB)
    assert found is not None
    assert found.volumes == {"/data/below": DB}
    assert world.runtime.volumes[volume] == {"table": b"1000 rows"}  # the copy is made by a container
    assert any(call.startswith("create shop_staging_db_job_copy") for call in world.runtime.calls)


POSTGRES = {"Volumes": {"/var/lib/postgresql/data": {}}, "Env": ["PGDATA=/var/lib/postgresql/data", "PG_MAJOR=15"]}


def test_a_volume_one_folder_too_high_is_refused_with_the_right_path(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.images.configs["postgres:15"] = POSTGRES
    with pytest.raises(UsageError) as refused:
        deploy(world.controller(), DeployRequest(world.release(1, volume="/var/lib/postgresql"), STAGING))
    assert "volume: /var/lib/postgresql/data" in refused.value.hint
    assert (world.runtime.containers, world.runtime.volumes) == ({}, {})
    assert world.ledger.deployments("shop", "staging") == []


def test_a_running_environment_with_such_a_volume_goes_on_and_loses_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    deploy(world.controller(), DeployRequest(world.release(1, volume="/var/lib/postgresql"), STAGING))
    world.images.configs["postgres:15"] = POSTGRES
    world.runtime.remove(DB)
    repair(world.controller(), "shop", STAGING)  # as it was made before its image was asked
    volume = rows(world)
    deploy(
        world.controller(),
        DeployRequest(world.release(2, volume="/var/lib/postgresql", **SETTING), STAGING, force=True),
    )
    found = world.runtime.find(DB)
    assert found is not None
    assert found.volumes == {"/var/lib/postgresql": DB, "/var/lib/postgresql/data": volume}
    (told,) = examine(world.controller(), "shop", STAGING)
    assert "volume: /var/lib/postgresql/data" in told.problem


@pytest.mark.parametrize("running", [True, False])
def test_another_major_version_is_refused_before_anything_is_touched(tmp_path: Path, running: bool) -> None:
    world = World(tmp_path)
    world.images.configs["postgres:15"] = POSTGRES
    world.images.configs["postgres:16"] = {**POSTGRES, "Env": ["PGDATA=/var/lib/postgresql/data", "PG_MAJOR=16"]}
    world.have("postgres:16")
    deploy(world.controller(), DeployRequest(world.release(1, volume="/var/lib/postgresql/data"), STAGING))
    world.runtime.volumes[DB]["PG_VERSION"] = b"15\n"
    if not running:
        world.runtime.remove(DB)
    before = world.state()
    order = DeployRequest(world.release(2, image="postgres:16", volume="/var/lib/postgresql/data"), STAGING, force=True)
    with pytest.raises(UsageError, match="written by PostgreSQL 15, and postgres:16 is PostgreSQL 16") as refused:
        deploy(world.controller(), order)
    assert "shipway database upgrade staging" in refused.value.hint
    assert world.state() == before
