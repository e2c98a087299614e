"""An environment behind a CDN, and the purges of its deployments."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.cdn.purge import retry_due
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.schedules import tick as schedules
from shipway.context import Context
from shipway.domain.cdn import Cdn
from shipway.domain.errors import CdnError
from shipway.domain.plan import Environment
from shipway.domain.purge import Purge
from shipway.testing.memory import Behaviour, MemoryCdn
from tests.unit.domain import samples
from tests.unit.world import World

PLACE = dataclasses.replace(
    samples.STAGING, cdn=Cdn("fastly", zone="z", token="CDN_TOKEN", paths=("/", "/a", "/b", "/c")), checks=("smoke",)
)
ORIGIN = "http://staging.shop.localhost:8080"
FIRST = [f"purge path {ORIGIN}/ {ORIGIN}/a {ORIGIN}/b", f"purge path {ORIGIN}/c"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "world")
    made.cdn = MemoryCdn()
    made.runtime.behave("*_check_*", Behaviour(exit_code=0))
    made.secrets(made.ledger).set("shop/staging", "CDN_TOKEN", "the-token-of-the-cdn")
    return made


def put(world: World, number: int, environment: Environment = PLACE, **controller: object) -> None:
    deploy(world.controller(**controller), DeployRequest(world.release(number, environment=environment), environment))  # type: ignore[arg-type]


def tick(ctx: Context) -> None:
    """As the command."""
    schedules.tick(ctx)
    retry_due(ctx)


def purged(world: World) -> list[str]:
    """The requests to the CDN since the last call."""
    assert world.cdn is not None
    found = [call for call in world.cdn.calls if call.startswith("purge")]
    world.cdn.calls.clear()
    return found


def cdn(world: World) -> MemoryCdn:
    assert world.cdn is not None
    return world.cdn


def purges(world: World) -> list[Purge]:
    """Oldest first."""
    return world.ledger.purges("shop", "staging")[::-1]


def fails(world: World, error: CdnError, times: int = 50) -> None:
    for number in range(1, times + 1):
        cdn(world).fail("purge", at=number, error=error)


def heals(world: World) -> None:
    cdn(world)._faults.clear()
