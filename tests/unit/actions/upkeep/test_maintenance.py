"""The maintenance page on several hosts, of which one may be away."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.maintenance import asked
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.maintenance import maintain
from shipway.domain.errors import EngineError
from shipway.domain.launch import PENDING, LaunchRecord
from shipway.domain.names import route_owner
from shipway.domain.plan import LOCAL, Host
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

TWO = dataclasses.replace(STAGING, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))
OWNER = route_owner("shop", "staging")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World.deployed(tmp_path, TWO, 1)
    yield made
    made.close()


def shown(world: World) -> dict[str, bool]:
    return {name: OWNER in engine.edge.pages for name, engine in world.engines.items()}


def away(world: World, name: str, page: str | None) -> EngineError:
    """The error of a switch while a host is away, which is back afterwards."""
    world.engines[name].away = True
    with pytest.raises(EngineError) as caught:
        maintain(world.controller(), "shop", TWO, page)
    world.engines[name].away = False
    return caught.value


@pytest.mark.parametrize("name", [LOCAL, "ssh://b"])
def test_the_others_are_switched_and_the_one_that_is_away_is_named(world: World, name: str) -> None:
    if name == LOCAL:  # the controller's own engine is always there: the first in `hosts` is not
        swapped = dataclasses.replace(TWO, hosts=TWO.hosts[::-1])
        deploy(world.controller(), DeployRequest(world.release(2, environment=swapped), swapped, force=True))
        world.engines["ssh://b"].away = True
        with pytest.raises(EngineError, match=r"on 1 of 2 hosts.*not on ssh://b"):
            maintain(world.controller(), "shop", swapped, "page")
    else:
        error = away(world, name, "page")
        assert f"not on {name} ({name} can't be reached)" in error.message
        assert "shipway doctor staging --fix" in error.hint
    assert shown(world) == {LOCAL: True, "ssh://b": False}


@pytest.mark.parametrize("page", ["page", None])
def test_doctor_brings_the_one_that_was_away_into_line(world: World, page: str | None) -> None:
    if page is None:
        maintain(world.controller(), "shop", TWO, "page")
    away(world, "ssh://b", page)
    found = [item for item in examine(world.controller(), "shop", TWO) if item.thing == "maintenance"]
    assert [(item.host, bool(item.remedy)) for item in found] == [("ssh://b", True)]
    repair(world.controller(), "shop", TWO)
    assert set(shown(world).values()) == {page is not None}
    assert examine(world.controller(), "shop", TWO) == []


@pytest.mark.parametrize("page", ["page", None])
@pytest.mark.parametrize("number", [1, 2])
def test_so_does_the_next_deployment(world: World, page: str | None, number: int) -> None:
    """Also one with nothing else to do."""
    if page is None:
        maintain(world.controller(), "shop", TWO, "page")
    away(world, "ssh://b", page)
    release = world.ledger.release("shop", 1) if number == 1 else world.release(2, environment=TWO)
    assert release is not None
    deploy(world.controller(), DeployRequest(release, TWO))
    assert set(shown(world).values()) == {page is not None}


def test_a_new_host_shows_the_page_from_its_first_switch(world: World) -> None:
    maintain(world.controller(), "shop", TWO, "page")
    edge = world.engines["ssh://b"].edge
    edge.tables.clear()
    edge.pages.clear()
    calls = len(edge.calls)
    deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))
    assert set(shown(world).values()) == {True}
    made = [call.split()[0] for call in edge.calls[calls:]]
    assert made.index("maintain") < made.index("switch")


def test_off_everywhere_leaves_nothing_to_remember(world: World) -> None:
    maintain(world.controller(), "shop", TWO, "page")
    assert asked(world.controller(), "shop", "staging") is not None
    maintain(world.controller(), "shop", TWO, None)
    assert asked(world.controller(), "shop", "staging") is None
    assert set(shown(world).values()) == {False}


def test_without_any_host_nothing_is_remembered(world: World) -> None:
    only = dataclasses.replace(STAGING, hosts=(Host("ssh://b"),))
    deploy(world.controller(), DeployRequest(world.release(2, environment=only), only, force=True))
    world.engines["ssh://b"].away = True
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        maintain(world.controller(), "shop", only, "page")
    assert asked(world.controller(), "shop", "staging") is None


def test_it_ends_with_the_environment_whoever_has_which_clock(world: World) -> None:
    maintain(world.controller(ahead=600), "shop", TWO, "page")
    release = world.ledger.release("shop", 1)
    assert release is not None
    destroy(world.controller(), release.plan, TWO)
    deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))
    assert set(shown(world).values()) == {False}


def test_a_host_that_was_away_when_it_was_destroyed_shows_the_page_no_longer(world: World) -> None:
    maintain(world.controller(), "shop", TWO, "page")
    release = world.ledger.release("shop", 1)
    assert release is not None
    world.engines["ssh://b"].away = True
    with pytest.raises(EngineError, match="is destroyed, but not on ssh://b"):
        destroy(world.controller(), release.plan, TWO)
    world.engines["ssh://b"].away = False
    assert shown(world) == {LOCAL: False, "ssh://b": True}
    deploy(world.controller(), DeployRequest(world.release(2, environment=TWO), TWO))
    assert set(shown(world).values()) == {False}


def test_it_ends_with_the_environment_and_a_launch_decides_by_itself(world: World) -> None:
    maintain(world.controller(), "shop", TWO, "page")
    ctx = world.controller()
    ctx.ledger.add_launch_record(LaunchRecord("shop", "staging", "deployment", PENDING, 1, "", "ada", ctx.clock()))
    assert asked(ctx, "shop", "staging") is None
    release = ctx.ledger.release("shop", 1)
    assert release is not None
    destroy(ctx, release.plan, TWO)
    assert asked(world.controller(), "shop", "staging") is None
    deploy(world.controller(), DeployRequest(world.release(3, environment=STAGING), STAGING))
    assert set(shown(world).values()) == {False}
