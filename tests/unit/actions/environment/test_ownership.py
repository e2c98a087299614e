"""Two ledgers, one app name, one engine: what belongs to one is never the other's to change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest, decide
from shipway.actions.environment.ownership import own_objects
from shipway.actions.runs.clean_up import clean_up
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine, repair
from shipway.actions.upkeep.maintenance import maintain
from shipway.actions.upkeep.status import status
from shipway.context import Context
from shipway.domain.container import LABEL_LEDGER, ContainerSpec
from shipway.domain.errors import OtherLedger
from shipway.domain.ownership import describe, made_since
from shipway.domain.release import Trigger
from tests.unit.domain import samples
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


@pytest.fixture
def first(tmp_path: Path) -> World:
    """Release 1 serves, deployed by the first ledger."""
    world = World.deployed(tmp_path / "first", STAGING, 1)
    return world


@pytest.fixture
def second(first: World, tmp_path: Path) -> World:
    """Another home, whose ledger has a release of the same app."""
    return first.neighbour(tmp_path / "second")


def test_everything_that_is_made_carries_the_ledger(first: World) -> None:
    runtime, mine = first.runtime, first.ledger.identity()
    assert {item.info.labels.get(LABEL_LEDGER) for item in runtime.containers.values()} == {mine}
    assert {
        runtime.labels[kind, name].get(LABEL_LEDGER)
        for kind, things in (("network", runtime.networks), ("volume", runtime.volumes))
        for name in things
    } == {mine}
    assert first.ledger.adopted("local") == set()


ACTIONS: dict[str, Callable[[Context, DeployRequest], Any]] = {
    "deploy": deploy,
    "dry run": lambda ctx, order: decide(ctx, order, create=False),
    "destroy": lambda ctx, order: destroy(ctx, order.release.plan, STAGING),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_another_ledger_is_refused_and_changes_nothing(first: World, second: World, action: str) -> None:
    order, before, calls = DeployRequest(second.release(1), STAGING), first.state(), len(first.runtime.calls)
    with pytest.raises(OtherLedger) as caught:
        ACTIONS[action](second.controller(), order)
    assert f"ledger {first.ledger.identity()[:8]}" in caught.value.message
    assert all(word in caught.value.hint for word in ("SHIPWAY_LEDGER", "SHIPWAY_HOME", "shipway adopt staging"))
    assert first.state() == before
    reads = ("list", "objects", "find", "ping", "logs", "wait")
    assert [call for call in first.runtime.calls[calls:] if not call.startswith(reads)] == []


def test_the_records_of_both_do_not_help(first: World, second: World) -> None:
    """Both ledgers deployed the app once, before there were labels: what carries the first one's label is the first one's."""
    release, deployment = second.release(1), dataclasses.replace(first.ledger.deployments("shop", "staging")[0], id=0)
    second.ledger.end_deployment(second.ledger.begin_deployment(deployment), "succeeded", first.clock(), "0001", "")
    before = first.state()
    for action in (
        lambda ctx: deploy(ctx, DeployRequest(release, STAGING)),
        lambda ctx: repair(ctx, "shop", STAGING),
        lambda ctx: maintain(ctx, "shop", STAGING, "page"),
    ):
        with pytest.raises(OtherLedger):
            action(second.controller())
    (found,) = examine(second.controller(), "shop", STAGING)
    assert (found.thing, found.remedy) == ("host", "")
    assert " of ledger " in found.problem
    assert " of ledger " in status(second.controller(), "shop", STAGING).unreachable[0]
    assert first.state() == before


def test_a_volume_alone_is_guarded_too(first: World, second: World) -> None:
    for name in list(first.runtime.containers):
        first.runtime.remove(name)
    for name in list(first.runtime.networks):
        first.runtime.remove_network(name)
    with pytest.raises(OtherLedger, match="1 volume of ledger"):
        deploy(second.controller(), DeployRequest(second.release(1), STAGING))
    deploy(first.controller(), DeployRequest(first.release(2), STAGING))


def test_the_same_run_of_another_ledger_is_left_alone(first: World, second: World) -> None:
    for world in (first, second):
        number = world.ledger.begin_run("shop", "a" * 40, "tree", Trigger("push", "main", "ada"), world.clock())
        assert number == 1
        mark = world.ledger.identity()[:8]
        runtime = world.controller().runtime
        runtime.ensure_network(f"shipway_shop_run1-{mark}", {"shipway.app": "shop", "shipway.run": "1"})
        runtime.create(
            ContainerSpec(f"shop_run1-{mark}_lint", "postgres:15", {"shipway.app": "shop", "shipway.run": "1"})
        )
    clean_up(second.controller(), "shop", 1)
    left = own_objects(first.controller(), {"shipway.app": "shop", "shipway.run": "1"})
    assert sorted(item.kind for item in left) == ["container", "network"]
    assert own_objects(second.controller(), {"shipway.app": "shop", "shipway.run": "1"}) == []


def without_labels(world: World) -> None:
    """As the version before made it."""
    for item in world.runtime.containers.values():
        labels = {name: value for name, value in item.info.labels.items() if name != LABEL_LEDGER}
        item.info = dataclasses.replace(item.info, labels=labels, created=0.0)
    for key, known in world.runtime.labels.items():
        world.runtime.labels[key] = {name: value for name, value in known.items() if name != LABEL_LEDGER}


def test_what_this_ledger_deployed_without_labels_is_adopted_silently(first: World) -> None:
    without_labels(first)
    before = {name: item.info.id for name, item in first.runtime.containers.items()}
    notes = len(first.notes)
    assert examine(first.controller(), "shop", STAGING) == []
    assert first.notes[notes:] == []
    changes = decide(first.controller(), DeployRequest(first.ledger.release("shop", 1), STAGING)).changeset  # type: ignore[arg-type]
    assert changes.changes == ()
    assert {("container", id) for id in before.values()} < first.ledger.adopted("local")
    deploy(first.controller(), DeployRequest(first.release(2), STAGING))
    assert first.serving() == {2}
    database = first.runtime.containers["shop_staging_db"].info
    assert (database.id, database.labels.get(LABEL_LEDGER)) == (before["shop_staging_db"], None)
    new = [item.info for name, item in first.runtime.containers.items() if "_2-" in name]
    assert {item.labels.get(LABEL_LEDGER) for item in new} == {first.ledger.identity()}


def test_what_no_ledger_is_known_to_have_made_is_refused(first: World, second: World) -> None:
    without_labels(first)
    with pytest.raises(OtherLedger, match="unknown to this ledger"):
        deploy(second.controller(), DeployRequest(second.release(1), STAGING))


def test_what_was_adopted_is_known_by_its_id_alone(first: World) -> None:
    without_labels(first)
    examine(first.controller(), "shop", STAGING)
    for item in first.runtime.containers.values():  # even where its labels name another ledger
        item.info = dataclasses.replace(item.info, labels={**item.info.labels, LABEL_LEDGER: "other"})
    assert examine(first.controller(), "shop", STAGING) == []


def test_what_is_older_than_the_first_deployment_is_not_from_it() -> None:
    def made(created: float) -> Any:
        return dataclasses.replace(samples_object(), created=created)

    assert made_since(made(5_000.0), 5_100.0)
    assert not made_since(made(1_000.0), 5_000.0)
    assert made_since(made(0.0), 5_000.0), "the Docker Engine doesn't report"
    assert not made_since(made(5_000.0), None)


def test_the_words_count_by_kind() -> None:
    one = samples_object()
    assert describe([one]) == "1 container without a ledger's label, and unknown to this ledger: a"
    labelled = dataclasses.replace(one, labels={LABEL_LEDGER: "1a2b3c4d5e"})
    assert describe([labelled] * 6).startswith("6 containers of ledger 1a2b3c4d: a, a, a, a, a, …")


def samples_object() -> Any:
    from shipway.domain.container import EngineObject

    return EngineObject("container", "id", "a", {"shipway.app": samples.PLAN.app}, 1.0)
