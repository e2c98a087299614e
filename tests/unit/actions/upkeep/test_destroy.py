"""A destroy whose process dies: what serves stays or goes as a whole, and no other command removes data."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.testing.faults import Death, Killed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

DB = "shop_staging_db"


def begun(folder: Path) -> World:
    """Release 1 serves, and people have written."""
    world = World(folder)
    deploy(world.controller(), DeployRequest(world.release(1, "0001"), STAGING))
    world.runtime.volumes[DB]["rows"] = b"1000"
    return world


def killed(world: World, at: int, *, after: bool) -> bool:
    """Whether it died. Afterwards its lock has ended."""
    death = Death(at, after=after)
    release = world.ledger.release("shop", 1)
    assert release is not None
    with suppress(Killed):
        destroy(world.controller(dies=death), release.plan, STAGING)
    world.now += 16
    return death.done


def rows(world: World) -> bytes | None:
    return world.runtime.volumes.get(DB, {}).get("rows")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_the_next_command_restores_it_or_finishes_it_and_removes_no_data(tmp_path: Path, after: bool) -> None:
    ends = []
    for at in range(1, 60):
        world = begun(tmp_path / f"repair {at}")
        if not killed(world, at, after=after):
            break
        left = rows(world)
        repair(world.controller(), "shop", STAGING)
        current = world.ledger.current("shop", "staging")
        assert world.ledger.pending("shop", "staging") == [], at
        assert world.serving() == ({1} if current else set()), at
        assert rows(world) == left, at
        assert examine(world.controller(), "shop", STAGING) == [], at
        ends.append(current is not None)
        world.close()
    assert ends == sorted(ends, reverse=True), "once data is removed, there is no way back"
    assert {True, False} <= set(ends)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_it_is_completed_by_the_same_command_and_a_deployment_begins_again(tmp_path: Path, after: bool) -> None:
    for at in range(1, 60):
        world = begun(tmp_path / f"again {at}")
        if not killed(world, at, after=after):
            break
        release = world.ledger.release("shop", 1)
        assert release is not None
        destroy(world.controller(), release.plan, STAGING)
        assert (world.runtime.containers, world.runtime.volumes) == ({}, {}), at
        assert world.ledger.current("shop", "staging") is None, at
        assert world.ledger.pending("shop", "staging") == [], at
        world.close()
        world = begun(tmp_path / f"deploy {at}")
        killed(world, at, after=after)
        deploy(world.controller(), DeployRequest(world.release(2, "0001"), STAGING))
        assert world.serving() == {2}, at
        world.close()
    assert at > 10
