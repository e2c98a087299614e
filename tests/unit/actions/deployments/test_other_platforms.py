"""An environment in a cluster, which Shipway doesn't deploy to: its containers never start on this machine instead."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.domain.errors import UsageError
from shipway.domain.platform import KUBERNETES
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


def test_nothing_starts_on_this_machine(tmp_path: Path) -> None:
    world = World(tmp_path / "mine")
    cluster = dataclasses.replace(STAGING, platform=KUBERNETES)
    order = DeployRequest(world.release(1, environment=cluster), cluster)
    before = dict(world.runtime.containers)
    with pytest.raises(UsageError, match="doesn't deploy to yet"):
        deploy(world.controller(), order)
    with pytest.raises(UsageError, match="doesn't deploy to yet"):
        decide(world.controller(), order, create=False)
    assert dict(world.runtime.containers) == before
    assert world.ledger.history("shop", "staging") == []
