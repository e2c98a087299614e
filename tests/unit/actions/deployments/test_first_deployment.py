"""A first deployment over a database that was there, and fails: the schema goes back to what it was, or the output says where it
stays and how to go back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.domain.errors import DeployFailed, EngineError, MigrationFailed, ShipwayError
from shipway.domain.release import FAILED, PENDING, Release
from shipway.testing.faults import Death, Killed, every
from shipway.testing.memory import Behaviour
from tests.unit.actions.environment.test_unowned import adopted, own_release
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

VOLUME = "shop_staging_db"


def migrating(world: World) -> Release:
    """One that brings revisions 0002 and 0003 onto a database at 0001."""
    release = own_release(world)
    database = dataclasses.replace(release.plan.database, folder="0003")  # type: ignore[type-var]
    return world.ledger.add_release(
        dataclasses.replace(
            release,
            number=0,
            schema="0003",
            tree="migrating",
            digest="",
            plan=dataclasses.replace(release.plan, database=database),
        )
    )


@pytest.fixture(params=["adopted", "its volume alone"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A database at 0001 that no deployment of this ledger has made."""
    if request.param == "adopted":
        made = adopted(tmp_path)
    else:
        made = World(tmp_path / "mine")
        made.runtime.volumes[VOLUME] = {"rows": b"1000"}
        made.database.applied = ["0001"]
    assert made.database.applied == ["0001"]
    made.runtime.volumes[VOLUME]["rows"] = b"1000"
    return made


def sick(world: World, release: Release) -> None:
    world.runtime.behave(f"shop_staging_backend_{release.number}-*", Behaviour(healthy=False, exit_code=1))


def test_the_schema_goes_back(world: World) -> None:
    release = migrating(world)
    sick(world, release)
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(release, STAGING))
    (record,) = world.ledger.deployments("shop", "staging")
    assert (world.database.applied, record.outcome) == (["0001"], FAILED)
    assert world.runtime.volumes[VOLUME]["rows"] == b"1000"
    assert [item.schema for item in world.ledger.snapshots("shop", "staging")] == ["0001"]


def test_where_no_script_leads_back_the_output_says_so(world: World) -> None:
    release = migrating(world)
    sick(world, release)
    world.database.fail("revert", at=2, error=MigrationFailed("0002 has no way down"))
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(release, STAGING))
    (note,) = (note for note in world.notes if note.startswith("the schema stays"))
    assert note == (
        "the schema stays at 0002: its down migrations failed; before this deployment, it was at 0001. Snapshot 1 has the previous "
        "data: `shipway restore staging 1` restores it, once a release serves there"
    )
    assert world.ledger.deployments("shop", "staging")[0].outcome == PENDING
    with exclusive_access(world.controller(), "shop", "staging", "the next command"):
        pass
    there = "shop_staging_db" in world.runtime.containers  # else nothing can be asked or reverted any more
    assert world.database.applied == (["0001"] if there else ["0001", "0002"])
    assert world.ledger.deployments("shop", "staging")[0].outcome == FAILED


def test_after_the_switch_it_stays_and_the_output_says_so(world: World) -> None:
    release = migrating(world)
    world.edge.fail("switch", error=EngineError("an unclear outcome"), after=True)
    with pytest.raises(EngineError):
        deploy(world.controller(), DeployRequest(release, STAGING))
    assert world.database.applied == ["0001", "0002", "0003"]
    (note,) = (note for note in world.notes if note.startswith("the schema stays"))
    assert note.startswith(
        "the schema stays at 0003: the new release may have written to it; before this deployment, it was at 0001"
    )


@pytest.mark.every_point
def test_a_process_that_dies_leaves_it_to_the_next(world: World, tmp_path: Path) -> None:
    release = migrating(world)
    count = Death(0, after=False)
    deploy(world.copy(tmp_path / "count").controller(dies=count), DeployRequest(release, STAGING))
    for at, after in list(every(count.effects))[::3]:
        here = world.copy(tmp_path / f"{at}{after}")
        try:
            deploy(here.controller(dies=Death(at, after=after)), DeployRequest(release, STAGING))
        except (Killed, ShipwayError):
            pass
        here.now += 1000.0  # its lease has ended
        with exclusive_access(here.controller(), "shop", "staging", "the next command"):
            pass
        serves = release.number in here.serving()
        assert here.database.applied == (["0001", "0002", "0003"] if serves else ["0001"]), (at, after)
        assert here.runtime.volumes[VOLUME]["rows"] == b"1000"
        here.close()


def test_a_database_of_its_own_goes_as_it_came(tmp_path: Path) -> None:
    world = World(tmp_path)
    release = migrating(world)
    sick(world, release)
    with pytest.raises(DeployFailed):
        deploy(world.controller(), DeployRequest(release, STAGING))
    assert (world.runtime.volumes, world.runtime.networks, world.edge.held) == ({}, {}, set())
    assert world.ledger.snapshots("shop", "staging") == []
    assert not any("stays" in note or "is kept in" in note for note in world.notes)
