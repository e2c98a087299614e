"""Clean-up of many things: what fails keeps nothing else, and one error names everything that stayed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import repair
from shipway.domain.errors import EngineError
from shipway.domain.plan import LOCAL, Host
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

TWO = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))


def test_destroy_goes_on_with_the_rest(tmp_path: Path) -> None:
    world = World(tmp_path)
    release = world.release(1)
    deploy(world.controller(), DeployRequest(release, STAGING))
    world.runtime.fail("remove", at=3, error=EngineError("the third can't be removed"))
    world.runtime.fail("remove_network", at=2, error=EngineError("the network is in use"))
    with pytest.raises(EngineError, match="the third can't be removed; and the network is in use"):
        destroy(world.controller(), release.plan, STAGING)
    assert len(world.runtime.containers) == 1
    assert world.runtime.volumes == {}
    assert world.ledger.current("shop", "staging") is not None, "it is not gone yet"
    destroy(world.controller(), release.plan, STAGING)
    assert (world.runtime.containers, world.ledger.current("shop", "staging")) == ({}, None)


def test_a_repair_that_fails_on_one_host_is_done_on_the_others(tmp_path: Path) -> None:
    world = World.deployed(tmp_path, TWO, 1)
    for engine in world.engines.values():
        for name in [name for name in engine.runtime.containers if "frontend" in name]:
            engine.runtime.stop(name, 1)
    world.engines[LOCAL].runtime.fail("start", error=EngineError("no memory is left"))
    with pytest.raises(EngineError, match="no memory is left"):
        repair(world.controller(), "shop", TWO)
    there = world.engines["ssh://b"].runtime.containers
    assert all(item.info.running for name, item in there.items() if "frontend" in name)
    repair(world.controller(), "shop", TWO)
    assert world.serving() == {1}
