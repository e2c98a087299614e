"""Ledger and reality are compared, and put right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.upkeep.doctor import Finding, examine, repair, to_repair
from shipway.domain.container import ContainerSpec
from shipway.domain.plan import LOCAL, Host
from shipway.testing.faults import Death, Killed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

WARM = dataclasses.replace(STAGING, standby=3600.0)
TWO = dataclasses.replace(WARM, hosts=(Host(LOCAL, "10.0.0.1"), Host("ssh://b")))
ROTATION = "shipway_shop_staging_rotation"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 2 serves on two hosts, release 1 is on standby."""
    return World.deployed(tmp_path, TWO, 1, 2)


def named(world: World, part: str, host: str = LOCAL) -> str:
    (name,) = (name for name in world.engines[host].runtime.containers if part in name)
    return name


def stop(world: World) -> None:
    world.runtime.stop(named(world, "_backend_2-"), 1)


def remove(world: World) -> None:
    world.engines["ssh://b"].runtime.remove(named(world, "_frontend_2-", "ssh://b"))


def database(world: World) -> None:
    world.runtime.stop("shop_staging_db", 1)


def stray(world: World) -> None:
    labels = {
        "shipway.app": "shop",
        "shipway.environment": "staging",
        "shipway.role": "service",
        "shipway.name": "old",
        "shipway.release": "77",
        **world.label,
    }
    world.runtime.create(ContainerSpec("shop_staging_old_77-abcdef_1", "postgres:15", labels))


def other_image(world: World) -> None:
    item = world.runtime.containers[named(world, "_backend_2-")]
    item.info = dataclasses.replace(item.info, image="sha256:other")


def unreachable(world: World) -> None:
    world.runtime.disconnect(ROTATION, named(world, "_frontend_2-"))


def routes(world: World) -> None:
    edge = world.engines["ssh://b"].edge
    edge.tables["shop_staging"] = {**edge.tables["shop_staging"], "release": 1}


def edge(world: World) -> None:
    world.engines["ssh://b"].edge.stopped.append("shipway-edge-2")


def worker_before(world: World) -> None:
    world.runtime.start(named(world, "_worker_1-"))


def left_of_a_run(world: World) -> None:
    world.runtime.create(
        ContainerSpec("shop_run9_unit", "postgres:15", {"shipway.app": "shop", "shipway.run": "9", **world.label})
    )


def left_of_a_decision(world: World) -> None:
    labels = {
        "shipway.app": "shop",
        "shipway.environment": "staging",
        "shipway.role": "job",
        "shipway.name": "backend",
        **world.label,
    }
    world.runtime.create(ContainerSpec("shop_staging_job_1", "postgres:15", labels))


DRIFT: list[tuple[Callable[[World], None], str]] = [
    (stop, "_backend_2-…: doesn't run (exited) → start it"),
    (remove, "ssh://b _frontend_2-…: is missing → create it"),
    (database, "shop_staging_db: doesn't run (exited) → start it"),
    (stray, "_old_77-…: belongs to no needed release (created) → remove it"),
    (other_image, "_backend_2-…: runs another image than registry/shop/backend"),
    (unreachable, "_frontend_2-…: is unreachable for the edge → attach it to the edge's network"),
    (routes, "ssh://b / → frontend, /api → backend: requests are led elsewhere → switch the routes"),
    (
        edge,
        "ssh://b shipway-edge-2: the edge is down: requests to its ports get no answer, in every environment → start it",
    ),
    (worker_before, "_worker_1-…: should not run (running) → stop it"),
    (left_of_a_run, "shop_run9_unit: is a leftover of a run that has ended → remove it"),
    (left_of_a_decision, "shop_staging_job_1: is a leftover of a command that has ended → remove it"),
]


def words(finding: Finding) -> str:
    import re

    thing = re.sub(r"^shop_staging(_\w+_\d+-)[0-9a-f]{6}_1$", r"\1…", finding.thing)
    host = "" if finding.host in ("", LOCAL) else f"{finding.host} "
    return f"{host}{thing}: {finding.problem} → {finding.remedy}"


def test_nothing_is_found_where_nothing_is_wrong(world: World) -> None:
    assert examine(world.controller(), "shop", TWO) == []


@pytest.mark.parametrize(("damage", "expected"), DRIFT, ids=[damage.__name__ for damage, _ in DRIFT])
def test_drift_is_found_and_repaired(world: World, damage: Callable[[World], None], expected: str) -> None:
    before = world.state()
    damage(world)
    (found,) = examine(world.controller(), "shop", TWO)
    assert words(found).startswith(expected)
    repair(world.controller(), "shop", TWO)
    assert examine(world.controller(), "shop", TWO) == []
    assert world.state() == before


def test_all_of_it_at_once(world: World) -> None:
    before = world.state()
    for damage, _ in DRIFT:
        if damage is not unreachable:  # of a container that is another one's already
            damage(world)
    assert len(examine(world.controller(), "shop", TWO)) >= len(DRIFT) - 2
    repair(world.controller(), "shop", TWO)
    assert examine(world.controller(), "shop", TWO) == []
    assert world.state() == before


def test_an_unfinished_deployment(world: World) -> None:
    release = world.release(3, environment=TWO)
    with pytest.raises(Killed):
        deploy(world.controller(dies=Death(8, after=True)), DeployRequest(release, TWO))
    world.now += 16
    found = examine(world.controller(), "shop", TWO)
    assert "deploy of release 3: was started by controller-" in words(found[0])
    assert "its process died → complete it or roll it back" in words(found[0])
    repair(world.controller(), "shop", TWO)
    assert examine(world.controller(), "shop", TWO) == []
    assert world.serving() == {2}


def test_who_waits_repairs_what_another_process_leaves_unfinished(world: World) -> None:
    with pytest.raises(Killed):
        deploy(world.controller(dies=Death(8, after=True)), DeployRequest(world.release(3, environment=TWO), TWO))
    here = world.controller()
    assert examine(here, "shop", TWO) == []  # as if it were still at work: its lock is held
    assert to_repair(here, "shop", [TWO], [], waits=False) == []
    assert to_repair(here, "shop", [TWO], [], waits=True) == [TWO]
    world.now += 16
    repair(here, "shop", TWO, wait=30.0)
    assert to_repair(here, "shop", [TWO], examine(here, "shop", TWO), waits=True) == []
    assert world.serving() == {2}


def test_a_host_that_is_away_is_told_and_hides_nothing_else(world: World) -> None:
    world.engines["ssh://b"].away = True
    stop(world)
    found = sorted(words(item) for item in examine(world.controller(), "shop", TWO))
    assert "ssh://b can't be reached" in found[1]
    assert "doesn't run" in found[0]


def test_an_accessory_that_was_made_otherwise_is_for_a_person(world: World) -> None:
    item = world.runtime.containers["shop_staging_db"]
    item.info = dataclasses.replace(item.info, labels={**item.info.labels, "shipway.config": "other"})
    (found,) = examine(world.controller(), "shop", TWO)
    assert (found.problem, found.remedy) == ("differs from the plan", "")
    repair(world.controller(), "shop", TWO)
    assert world.runtime.containers["shop_staging_db"].info.running


def test_what_a_failed_first_deployment_left_on_a_host_that_was_away(tmp_path: Path) -> None:
    world = World(tmp_path, [host.name for host in TWO.hosts])
    with pytest.raises(Killed):
        deploy(world.controller(dies=Death(12, after=True)), DeployRequest(world.release(1, environment=TWO), TWO))
    world.engines["ssh://b"].away = True
    world.now += 16
    with exclusive_access(world.controller(), "shop", "staging", "the next command"):
        pass
    world.engines["ssh://b"].away = False
    labels = {
        "shipway.app": "shop",
        "shipway.environment": "staging",
        "shipway.role": "service",
        "shipway.name": "frontend",
        "shipway.release": "1",
        **world.label,
    }
    with exclusive_access(world.controller(), "shop", "staging", "once it is reachable"):
        pass
    world.engines["ssh://b"].runtime.create(ContainerSpec("shop_staging_frontend_1-abcdef_1", "postgres:15", labels))
    found = [words(item) for item in examine(world.controller(), "shop", TWO)]
    assert "ssh://b _frontend_1-…: is a leftover of a failed deployment → remove it; volumes are kept" in found
    repair(world.controller(), "shop", TWO)
    assert examine(world.controller(), "shop", TWO) == []
    assert not any(engine.runtime.containers for engine in world.engines.values())


@pytest.mark.parametrize("again", [False, True], ids=["repair", "deploy"])
def test_networks_that_were_pruned_while_nothing_ran(world: World, again: bool) -> None:
    for engine in world.engines.values():
        for name in list(engine.runtime.containers):
            engine.runtime.stop(name, 1)
        for network in list(engine.runtime.networks):
            engine.runtime.remove_network(network)
    if again:
        deploy(world.controller(), DeployRequest(world.release(3, environment=TWO), TWO))
    else:
        repair(world.controller(), "shop", TWO)
    assert examine(world.controller(), "shop", TWO) == []
    assert world.serving() == {3 if again else 2}
