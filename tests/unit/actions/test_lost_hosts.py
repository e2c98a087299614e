"""A host that vanishes in the middle of a deployment, which so can't be taken back there: that is done when it is back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.decide import Order
from shipway.actions.deploy import deploy
from shipway.actions.recover import ready
from shipway.domain.errors import EngineError
from shipway.domain.plan import LOCAL, Host
from shipway.domain.release import FAILED, PENDING, SUCCEEDED
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

TWO = dataclasses.replace(STAGING, standby=3600.0, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves on two hosts."""
    made = World(tmp_path, [host.name for host in TWO.hosts])
    deploy(made.controller(), Order(made.release(1, environment=TWO), TWO))
    return made


def vanish(world: World, monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """The second host does so before its switch, or after it."""
    lost = world.engines["ssh://b"]
    switch = lost.edge.switch

    def last(*args: Any) -> None:
        if after:
            switch(*args)
        lost.away = True
        raise EngineError("ssh://b can't be reached")

    monkeypatch.setattr(lost.edge, "switch", last)


def outcome(world: World) -> str:
    return world.ledger.deployments("shop", "staging")[0].outcome


@pytest.mark.parametrize("after", [False, True])
def test_the_next_command_takes_it_back_when_the_host_is_back(world: World, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    second = Order(world.release(2, environment=TWO), TWO)
    with monkeypatch.context() as patch:
        vanish(world, patch, after=after)
        with pytest.raises(EngineError):
            deploy(world.controller(), second)
    assert outcome(world) == PENDING
    assert "it stays pending: the next command finishes it or rolls it back" in world.notes
    with ready(world.controller(), "shop", "staging", "while it is away"):
        pass
    assert outcome(world) == PENDING
    assert "stays pending: ssh://b can't be reached" in world.notes[-1]
    world.engines["ssh://b"].away = False
    with ready(world.controller(), "shop", "staging", "when it is back"):
        pass
    assert (outcome(world), world.serving()) == (FAILED, {1})
    deploy(world.controller(), second)
    assert (outcome(world), world.serving()) == (SUCCEEDED, {2})


def test_a_host_that_is_gone_for_good_is_taken_out_of_the_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    vanish(world, monkeypatch, after=True)
    with pytest.raises(EngineError):
        deploy(world.controller(), Order(world.release(2, environment=TWO), TWO))
    alone = dataclasses.replace(TWO, hosts=TWO.hosts[:1])
    third = Order(world.release(3, environment=alone), alone, force=True)  # the database is published no more
    deploy(world.controller(), third)
    assert any("left as it is, since it is not in the plan any more" in note for note in world.notes)
    assert {group["release"] for route in world.edge.tables["shop_staging"]["routes"] for group in route["groups"]} == {3}
    deploy(world.controller(), Order(world.release(4, environment=alone), alone))
    assert [item.outcome for item in world.ledger.deployments("shop", "staging")] == [SUCCEEDED, SUCCEEDED, FAILED, SUCCEEDED]
