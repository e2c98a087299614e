"""Migrations that are held until the next release, and the way back from there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from tests.unit.domain import samples
from tests.unit.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def deployed(world: World, number: int, schema: str) -> None:
    release = world.release(number, schema)
    assert release.plan.database
    database = dataclasses.replace(release.plan.database, contract="0003")
    made = world.ledger.add_release(
        dataclasses.replace(release, plan=dataclasses.replace(release.plan, database=database), digest="")
    )
    deploy(world.controller(), DeployRequest(made, samples.STAGING))


def stands(world: World) -> tuple[list[str], str | None]:
    return list(world.database.applied), world.ledger.deployments("shop", "staging")[0].schema


def test_held_until_the_next_release(world: World) -> None:
    deployed(world, 1, "0001")
    deployed(world, 3, "0003")
    assert stands(world) == (["0001", "0002"], "0002")
    assert "deferred until the next release (`contract`): 0003" in world.notes
    now = world.ledger.releases("shop")[0]
    assert (
        deploy(world.controller(), DeployRequest(now, samples.STAGING)) is None
    )  # saying it again doesn't make it the next one
    deployed(world, 5, "0004")
    assert stands(world) == (["0001", "0002", "0003", "0004"], "0004")


def test_the_way_back_leads_to_where_the_release_stood(world: World) -> None:
    deployed(world, 1, "0001")
    deployed(world, 3, "0003")
    deployed(world, 5, "0004")
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert stands(world) == (["0001", "0002"], "0002")
    rollback(world.controller(), "shop", "staging", RollbackRequest())
    assert stands(world) == (["0001"], "0001")


def test_a_new_environment_gets_all_at_once(world: World) -> None:
    deployed(world, 1, "0004")
    assert stands(world) == (["0001", "0002", "0003", "0004"], "0004")
