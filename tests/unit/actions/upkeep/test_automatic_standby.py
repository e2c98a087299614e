"""Without a word in the plan the previous release stays up for a rollback, where free memory covers it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.upkeep.retire import retire_due
from shipway.domain.container import LABEL_STANDBY
from shipway.domain.draining import QUIET
from shipway.domain.plan import Strategy
from shipway.domain.record import from_data, to_data
from shipway.planfile import parse
from tests.unit.actions.upkeep.test_retire import running
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

PLAN = "app: a\nservices:\n  web: {image: nginx:1}\nenvironments:\n  staging: {url: http://a.localhost%s}\n"
AUTO = dataclasses.replace(STAGING, standby=900.0, standby_auto=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves."""
    return World.deployed(tmp_path, AUTO, 1)


def test_the_default_is_15_minutes_where_memory_covers_it() -> None:
    found = parse(PLAN % "", "shipway.yaml").environments["staging"]
    assert (found.standby, found.standby_auto) == (900.0, True)
    for said, seconds in (("0s", 0.0), ("1h", 3600.0)):
        found = parse(PLAN % f", standby: {said}", "shipway.yaml").environments["staging"]
        assert (found.standby, found.standby_auto) == (seconds, False)


def test_a_record_of_an_older_version_keeps_what_it_had() -> None:
    data = to_data(STAGING)
    del data["standby_auto"]
    assert from_data(type(STAGING), data) == STAGING


def test_it_stays_up_where_its_memory_is_available(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(2, environment=AUTO), AUTO))
    assert running(world, 1) == ["backend", "frontend"]
    said = next(note for note in world.notes if note.startswith("release 1 stays on standby"))
    assert said == "release 1 stays on standby for 15 min: it uses 134 MB, and 2.1 GB of 4.3 GB are available"


def test_it_stops_where_it_is_not(world: World) -> None:
    world.runtime.available = 1 << 26
    deploy(world.controller(), DeployRequest(world.release(2, environment=AUTO), AUTO))
    world.now += QUIET
    retire_due(world.controller(), "shop", "staging")
    assert running(world, 1) == []
    assert any(note.startswith("release 1 doesn't stay on standby: it uses 134 MB") for note in world.notes)


def test_it_ends_when_memory_becomes_short(world: World) -> None:
    deploy(world.controller(), DeployRequest(world.release(2, environment=AUTO), AUTO))
    world.now += 60
    retire_due(world.controller(), "shop", "staging")
    assert running(world, 1) == ["backend", "frontend"]
    world.runtime.available = 1 << 26
    retire_due(world.controller(), "shop", "staging")
    assert running(world, 1) == []


def test_what_the_plan_says_needs_no_memory(tmp_path: Path) -> None:
    world = World(tmp_path)
    said = dataclasses.replace(STAGING, standby=600.0)
    world.runtime.available = 0
    for number in (1, 2):
        deploy(world.controller(), DeployRequest(world.release(number, environment=said), said))
    assert running(world, 1) == ["backend", "frontend"]


def test_never_with_rolling(tmp_path: Path) -> None:
    world = World(tmp_path)
    rolling = dataclasses.replace(AUTO, strategy=Strategy("rolling"))
    deploy(world.controller(), DeployRequest(world.release(1, environment=rolling), rolling))
    assert not any(LABEL_STANDBY in item.info.labels for item in world.runtime.containers.values())
