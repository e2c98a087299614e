"""Every service finds every other one by its name: the containers of the release that serves, and no others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.domain.errors import DeployFailed
from shipway.domain.names import rotation_network
from shipway.testing.memory import Behaviour
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

ROTATION = rotation_network("shop", "staging")
SEEDED = dataclasses.replace(STAGING, standby=600.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves."""
    made = World(tmp_path)
    put(made, 1)
    return made


def put(world: World, number: int) -> None:
    deploy(world.controller(), DeployRequest(world.release(number, environment=SEEDED), SEEDED))


def found(world: World) -> dict[str, set[int]]:
    """By name: the releases whose containers it leads to."""
    names: dict[str, set[int]] = {}
    for container, aliases in world.runtime.networks[ROTATION].items():
        item = world.runtime.containers[container].info
        for alias in aliases if item.running else ():
            names.setdefault(alias, set()).add(int(item.labels["shipway.release"]))
    return names


def test_each_service_has_its_name_workers_too(world: World) -> None:
    assert found(world) == {"frontend": {1}, "backend": {1}, "worker": {1}}


def test_in_the_first_deployment_each_has_its_name_from_its_start_on(tmp_path: Path) -> None:
    """A worker that asks another service when it starts would fail else, and there is no other release to ask."""
    world = World(tmp_path)
    seen: list[dict[str, set[int]]] = []
    start = world.runtime.start

    def started(name: str) -> None:
        if "worker" in name:
            seen.append(found(world))
        start(name)

    world.runtime.start = started  # type: ignore[method-assign]
    put(world, 1)
    assert seen == [{"frontend": {1}, "backend": {1}}]


def test_while_a_release_starts_the_names_lead_to_the_one_that_serves(world: World) -> None:
    seen: list[dict[str, set[int]]] = []
    start = world.runtime.start

    def started(name: str) -> None:
        start(name)
        seen.append(found(world))

    world.runtime.start = started  # type: ignore[method-assign]
    put(world, 2)
    assert all((each["frontend"], each["backend"]) == ({1}, {1}) for each in seen)
    assert found(world) == {"frontend": {2}, "backend": {2}, "worker": {2}}
    joined = {name for name in world.runtime.networks[ROTATION] if "_2-" in name}
    assert len(joined) == 3


def test_a_release_that_fails_never_has_a_name(world: World) -> None:
    world.runtime.behave("shop_staging_backend_2-*", Behaviour(healthy=False))
    with pytest.raises(DeployFailed):
        put(world, 2)
    assert found(world) == {"frontend": {1}, "backend": {1}, "worker": {1}}


def test_one_that_is_rolled_back_gives_the_names_back(world: World) -> None:
    world.runtime.behave("shop_staging_worker_2-*", Behaviour(loops=True))
    with pytest.raises(DeployFailed):
        put(world, 2)
    assert found(world) == {"frontend": {1}, "backend": {1}, "worker": {1}}


def test_a_rollback_takes_the_names(world: World) -> None:
    put(world, 2)
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    names = found(world)
    assert (names["frontend"], names["backend"]) == ({1}, {1})


def test_migrations_and_seeds_are_where_the_names_are(world: World) -> None:
    from shipway.actions.environment.observe import settings
    from shipway.actions.environment.service_job import service_job

    release = world.ledger.release("shop", 1)
    assert release is not None
    job = service_job(release, SEEDED, settings(world.controller(), release, SEEDED), "backend", {})
    assert job.networks[ROTATION] == ()


def test_a_worker_is_not_attached_again_while_it_works(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it opened in that instant would hang: its packets take another way."""
    changed: list[str] = []
    change = world.runtime.set_aliases

    def changes(network: str, container: str, aliases: Sequence[str]) -> bool:
        changed.append(container)
        return change(network, container, aliases)

    monkeypatch.setattr(world.runtime, "set_aliases", changes)
    put(world, 2)
    assert {name.split("_")[2] for name in changed} == {"frontend", "backend"}
