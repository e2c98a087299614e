"""Volumes of services in deployments, failures, moves and a destroy, in memory."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.upkeep.destroy import destroy
from shipway.context import Context
from shipway.domain.container import LABEL_ENVIRONMENT, LABEL_LEDGER
from shipway.domain.errors import DeployFailed, UsageError
from shipway.domain.mounts import Volume
from shipway.domain.plan import Environment, Host
from shipway.domain.release import Release
from shipway.testing.memory import Behaviour
from tests.unit.domain import samples
from tests.unit.world import World

UPLOADS = "shop_staging_uploads.volume"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, ("local", "ssh://other"))


def release(world: World, number: int, environment: Environment = samples.STAGING, **volumes: Volume) -> Release:
    """A release whose backend has these volumes, or `uploads`."""
    found = world.release(number, environment=environment)
    mine = volumes or {"uploads": Volume("uploads", "/data")}
    services = {**found.plan.services, "backend": dataclasses.replace(found.plan.services["backend"], volumes=mine)}
    plan = dataclasses.replace(found.plan, services=services)
    return world.ledger.add_release(dataclasses.replace(found, plan=plan, digest=""))


def put(ctx: Context, made: Release, environment: Environment = samples.STAGING, *, force: bool = False) -> None:
    deploy(ctx, DeployRequest(made, environment, force=force))


def sick(world: World, made: Release) -> None:
    world.runtime.behave(f"shop_staging_backend_{made.number}-*", Behaviour(healthy=False))


def test_it_is_of_the_environment_and_stays(world: World) -> None:
    ctx = world.controller()
    put(ctx, release(world, 1))
    labels = world.runtime.labels["volume", UPLOADS]
    assert (labels[LABEL_ENVIRONMENT], labels[LABEL_LEDGER]) == ("staging", world.ledger.identity())
    world.runtime.volumes[UPLOADS]["cat.txt"] = b"cat"
    put(ctx, release(world, 2))
    assert world.runtime.volumes[UPLOADS] == {"cat.txt": b"cat"}
    plan = samples.PLAN
    destroy(ctx, plan, samples.STAGING)
    assert world.runtime.volumes == {UPLOADS: {"cat.txt": b"cat"}}
    assert any(f"kept in {UPLOADS}" in note and "--volumes" in note for note in world.notes)
    put(ctx, release(world, 3))
    assert world.runtime.volumes[UPLOADS] == {"cat.txt": b"cat"}
    destroy(ctx, plan, samples.STAGING, volumes=True)
    assert world.runtime.volumes == {}


def test_one_that_a_failed_deployment_made_is_removed_and_no_other(world: World) -> None:
    ctx = world.controller()
    first = release(world, 1)
    sick(world, first)
    with pytest.raises(DeployFailed):
        put(ctx, first)
    assert UPLOADS not in world.runtime.volumes
    put(ctx, release(world, 2))
    third = release(world, 3, uploads=Volume("uploads", "/data"), more=Volume("more", "/more"))
    sick(world, third)
    with pytest.raises(DeployFailed):
        put(ctx, third)
    assert UPLOADS in world.runtime.volumes
    assert "shop_staging_more.volume" not in world.runtime.volumes


def test_an_environment_does_not_move_away_from_its_files(world: World) -> None:
    ctx = world.controller()
    put(ctx, release(world, 1))
    elsewhere = dataclasses.replace(samples.STAGING, hosts=(Host("ssh://other"),))
    with pytest.raises(UsageError, match=r"volume uploads \(on local\).* would start empty on ssh://other"):
        put(ctx, release(world, 2, elsewhere), elsewhere)
    put(ctx, release(world, 2, elsewhere), elsewhere, force=True)


def test_a_folder_must_be_listed(world: World) -> None:
    ctx = world.controller()
    folder = {"media": Volume("media", "/media", "/srv/media")}
    for listed in ((), ("/srv",), ("/srv/media/sub",)):
        with pytest.raises(UsageError, match="/srv/media of the host, which is not listed") as caught:
            put(dataclasses.replace(ctx, folders=listed), release(world, 1, **folder))
        assert "SHIPWAY_FOLDERS=/srv/media" in caught.value.hint
        assert not world.runtime.containers
    put(dataclasses.replace(ctx, folders=("/srv/media",)), release(world, 1, **folder))
    (spec,) = (item.spec for item in world.runtime.containers.values() if "_backend_" in item.spec.name)
    assert spec.volumes == {"/srv/media": "/media"}
