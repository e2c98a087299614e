"""A platform that places services itself goes on without a node that is down; separate hosts don't."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.retire import retire, retire_due
from shipway.domain.errors import EngineError
from shipway.domain.event import DEPLOYMENT, Subject
from shipway.domain.plan import LOCAL, Environment, Host
from shipway.domain.platform import SWARM
from shipway.domain.release import FAILED, PENDING, SUCCEEDED
from shipway.testing.faults import Death, Killed
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

B, C = "ssh://b", "ssh://c"
NODES = dataclasses.replace(STAGING, standby=3600.0, platform=SWARM, hosts=(Host(LOCAL), Host(B), Host(C)))
SEPARATE = dataclasses.replace(NODES, platform="")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Release 1 serves on three nodes."""
    return World.deployed(tmp_path, NODES, 1)


def lose(world: World, name: str = B) -> None:
    """It can't be reached, and the platform counts it as down."""
    world.engines[name].away = True
    world.runtime.lost = {name}


def back(world: World) -> None:
    for engine in world.engines.values():
        engine.away = False
    world.runtime.lost = ()


def deployed(world: World, number: int) -> None:
    release = world.ledger.release("shop", number) or world.release(number, environment=NODES)
    deploy(world.controller(), DeployRequest(release, NODES))


def routed(world: World) -> dict[str, set[int]]:
    """Releases by host."""
    return {
        name: {
            group["release"]
            for table in engine.edge.tables.values()
            for route in table["routes"]
            for group in route["groups"]
        }
        for name, engine in world.engines.items()
    }


def everywhere(world: World, release: int) -> dict[str, set[int]]:
    return {name: {release} for name in world.engines}


def outcomes(world: World) -> list[str]:
    return [item.outcome for item in world.ledger.deployments("shop", "staging")]


def test_the_others_get_the_release_and_the_output_names_it(world: World) -> None:
    lose(world)
    deployed(world, 2)
    assert routed(world) == {LOCAL: {2}, B: {1}, C: {2}}
    assert outcomes(world)[0] == SUCCEEDED
    (note,) = (text for text in world.notes if "is left out" in text)
    assert note.startswith("ssh://b is left out, since it is down (ssh://b can't be reached).")
    (number,) = (item.id for item in world.ledger.deployments("shop", "staging") if item.release == 2)
    assert note in [event.text for event in world.ledger.events(Subject(DEPLOYMENT, "shop", number))]


def test_a_rollback_goes_on_too(world: World) -> None:
    deployed(world, 2)
    lose(world)
    rollback(world.controller(), "shop", "staging", RollbackRequest(to="1", way="keep"))
    assert routed(world) == {LOCAL: {1}, B: {2}, C: {1}}


@pytest.mark.parametrize("number", [2, 3], ids=["the same release", "the next one"])
def test_the_next_deployment_brings_it_into_line(world: World, number: int) -> None:
    lose(world)
    deployed(world, 2)
    back(world)
    deployed(world, number)
    assert routed(world) == everywhere(world, number)


def test_so_does_doctor(world: World) -> None:
    lose(world)
    deployed(world, 2)
    repair(world.controller(), "shop", NODES)
    (found,) = examine(world.controller(), "shop", NODES)
    assert (found.host, found.problem) == (B, "ssh://b can't be reached")
    back(world)
    repair(world.controller(), "shop", NODES)
    assert routed(world) == everywhere(world, 2)
    assert examine(world.controller(), "shop", NODES) == []


def test_the_standby_ends_meanwhile(world: World) -> None:
    deployed(world, 2)
    lose(world)
    assert retire_due(world.controller(), "shop", "staging") is not None, "it is due later"
    assert retire(world.controller(), "shop", "staging") == 2


def test_one_that_is_not_down_stops_it(world: World) -> None:
    """What runs there may still serve visitors."""
    world.engines[B].away = True
    with pytest.raises(EngineError, match="doesn't count ssh://b as down: what runs there may still serve"):
        deployed(world, 2)
    assert routed(world) == everywhere(world, 1)


def test_the_first_host_is_needed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = dataclasses.replace(NODES, hosts=(Host(B), Host(LOCAL), Host(C)))
    lose(world)
    with pytest.raises(EngineError, match="can't be changed without its first host") as told:
        deploy(world.controller(), DeployRequest(world.release(2, environment=first), first, force=True))
    assert "list another manager first" in told.value.hint


def test_separate_hosts_are_all_needed(tmp_path: Path) -> None:
    world = World.deployed(tmp_path, SEPARATE, 1)
    lose(world)
    with pytest.raises(EngineError, match="ssh://b can't be reached"):
        deploy(world.controller(), DeployRequest(world.release(2, environment=SEPARATE), SEPARATE))
    assert routed(world) == everywhere(world, 1)


def test_a_failure_is_taken_back_on_the_others(world: World) -> None:
    """And nothing stays pending for the sake of the node that is down."""
    lose(world)
    world.engines[C].edge.fail("switch", error=EngineError("no space"))
    with pytest.raises(EngineError, match="no space"):
        deployed(world, 2)
    assert (outcomes(world)[0], routed(world)) == (FAILED, everywhere(world, 1))


@pytest.mark.parametrize("after", [False, True])
def test_one_that_is_lost_in_the_middle(world: World, monkeypatch: pytest.MonkeyPatch, after: bool) -> None:
    """The deployment fails, and is taken back at once on the others; the next one goes on without it."""
    switch = world.engines[B].edge.switch

    def last(*args: Any) -> None:
        if after:
            switch(*args)
        lose(world)
        raise EngineError("ssh://b can't be reached")

    with monkeypatch.context() as patch:
        patch.setattr(world.engines[B].edge, "switch", last)
        with pytest.raises(EngineError):
            deployed(world, 2)
    assert outcomes(world)[0] == FAILED
    assert (routed(world)[LOCAL], routed(world)[C]) == ({1}, {1})
    deployed(world, 3)
    assert (routed(world)[LOCAL], routed(world)[C]) == ({3}, {3})
    back(world)
    deployed(world, 3)
    assert routed(world) == everywhere(world, 3)


def test_the_work_of_a_dead_process_is_ended_without_it(world: World, tmp_path: Path) -> None:
    """Whenever it died: one whole release serves on the others, and nothing stays pending."""
    second, counts = world.release(2, environment=NODES), Death(0, after=False)
    counted = world.copy(tmp_path / "counted")
    deploy(counted.controller(dies=counts), DeployRequest(second, NODES))
    for at in range(1, counts.effects, 5):
        each = world.copy(tmp_path / str(at))
        with pytest.raises(Killed):
            deploy(each.controller(dies=Death(at, after=True)), DeployRequest(second, NODES))
        lose(each)
        each.now += 3600  # the lock of the dead one is over
        with exclusive_access(each.controller(), "shop", "staging", "the next one"):
            pass
        assert PENDING not in outcomes(each), at
        found = routed(each)
        assert found[LOCAL] == found[C], at
        assert found[LOCAL] in ({1}, {2}), at
        deployed(each, 2)
        assert (routed(each)[LOCAL], routed(each)[C]) == ({2}, {2}), at
        each.close()


def test_destroy_finds_what_was_created_through_another_manager(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host is lost: the next manager takes over its services."""
    order = dataclasses.replace(NODES, hosts=(Host(B), Host(C), Host(LOCAL)))
    lose(world)
    claims, emptied = [], []

    def claim(labels: Mapping[str, str], hosts: Sequence[str]) -> bool:
        claims.append((labels, hosts))
        return True

    monkeypatch.setattr(world.engines[C].runtime, "claim", claim)
    for name, engine in world.engines.items():
        monkeypatch.setattr(engine.edge, "remove", lambda owner, name=name: emptied.append(name))
    release = world.ledger.release("shop", 1)
    assert release is not None
    with pytest.raises(EngineError, match="staging is destroyed, but not on ssh://b"):
        destroy(world.controller(), release.plan, order)
    labels = {"shipway.app": "shop", "shipway.environment": "staging", "shipway.ledger": world.ledger.identity()}
    assert claims == [(labels, [C, B, LOCAL])]
    assert emptied == [LOCAL, C], "the networks are the last one's"


def test_services_of_a_lost_first_host_are_removed_by_the_next_deployment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its successor shows them only once it has claimed them, and keeps what it knows."""
    world.engines[LOCAL], world.engines[B] = world.engines[B], world.engines[LOCAL]
    world.engines[LOCAL].name, world.engines[B].name = LOCAL, B
    after = dataclasses.replace(NODES, hosts=(Host(LOCAL), Host(C)))
    world.engines[B].away = True
    old = {
        name: item for name, item in world.runtime.containers.items() if item.info.labels["shipway.role"] == "service"
    }
    there = world.engines[LOCAL].runtime
    monkeypatch.setattr(there, "claim", lambda labels, hosts: not there.containers.update(old))
    deploy(world.controller(), DeployRequest(world.release(2, environment=after), after, force=True))
    assert {item.info.labels.get("shipway.release") for item in there.containers.values()} == {None, "2"}
    assert sum("was removed: it was created through a host that is lost" in text for text in world.notes) == len(old)


@pytest.mark.parametrize("environment", [NODES, SEPARATE], ids=["a platform", "separate hosts"])
def test_each_command_removes_what_a_dead_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    world = World.deployed(tmp_path, environment, 1)
    swept: list[tuple[str, Mapping[str, str]]] = []
    for name, engine in world.engines.items():
        monkeypatch.setattr(engine.runtime, "remove_leftovers", lambda labels, name=name: swept.append((name, labels)))
    with exclusive_access(world.controller(), "shop", "staging", "the next one"):
        pass
    labels = {"shipway.app": "shop", "shipway.environment": "staging", "shipway.ledger": world.ledger.identity()}
    assert swept == ([(LOCAL, labels)] if environment.placed else [])
