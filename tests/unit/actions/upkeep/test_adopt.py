"""Take what a lost ledger has on an engine; and a ledger that was copied to another machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.ownership import require_machine
from shipway.actions.operations.adjust import restart, scale
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.upkeep.adopt import Survey, adopt, describe, survey, take_ledger
from shipway.actions.upkeep.destroy import destroy
from shipway.actions.upkeep.doctor import examine
from shipway.context import Context
from shipway.domain.adjustments import Adjustments
from shipway.domain.errors import OtherLedger, RepositoryError
from shipway.domain.plan import Plan
from shipway.domain.release import Commit, Release
from shipway.system import machine
from shipway.system.machine import machine_id
from tests.unit.domain.samples import STAGING
from tests.unit.world import World


class Clone:
    """A repository that has the commits of these releases."""

    def __init__(self, *releases: Release) -> None:
        self._releases = {item.revision: item for item in releases}

    def commit(self, revision: str) -> Commit:
        if revision not in self._releases:
            raise RepositoryError(f"there is no commit {revision}")
        return Commit(revision, self._releases[revision].tree, "ada@example.org", "a change")

    def show(self, revision: str, path: str) -> str:
        return revision

    def parse(self, text: str, file: str, exists: Any) -> Plan:
        return self._releases[text].plan


@pytest.fixture
def first(tmp_path: Path) -> World:
    world = World.deployed(tmp_path / "first", STAGING, 1, 2)
    return world


@pytest.fixture
def second(first: World, tmp_path: Path) -> World:
    return first.neighbour(tmp_path / "second")


def surveyed(world: World, clone: Clone, *, moved: bool = False) -> tuple[Context, Survey]:
    ctx = dataclasses.replace(world.controller(), repository=lambda: clone)  # type: ignore[arg-type, return-value]
    plan = next(iter(clone._releases.values())).plan
    return ctx, survey(ctx, plan, STAGING, clone.parse, moved=moved)


def release_of(world: World, number: int) -> Release:
    found = world.ledger.release("shop", number)
    assert found is not None
    return found


def test_what_is_taken_is_listed_and_nothing_is_touched(first: World, second: World) -> None:
    before, calls = first.state(), len(first.runtime.calls)
    _, found = surveyed(second, Clone(release_of(first, 2)))
    lines = describe(found)
    assert f"staging: adopts volume shop_staging_db on local, of ledger {first.ledger.identity()[:8]}" in lines
    assert sum("adopts container" in line for line in lines) == len(first.runtime.containers)
    assert "rebuilds release 2 from its labels and commit" in lines[-1]
    assert first.state() == before
    assert second.ledger.adopted("local") == set()
    assert all(call.startswith(("list", "objects", "find", "variables")) for call in first.runtime.calls[calls:])


def test_the_release_that_serves_is_rebuilt_with_its_secrets_and_passwords(
    first: World, second: World, tmp_path: Path
) -> None:
    theirs = release_of(first, 2)
    urls = {
        item.spec.env.get("DATABASE_URL") for name, item in first.runtime.containers.items() if "_backend_2-" in name
    }
    ctx, found = surveyed(second, Clone(theirs))
    adopt(ctx, theirs.plan, found, Clone(theirs).parse)
    mine = release_of(second, 2)
    assert (mine.revision, mine.tree, dict(mine.images), mine.plan, mine.schema) == (
        theirs.revision,
        theirs.tree,
        dict(theirs.images),
        theirs.plan,
        theirs.schema,
    )
    now = second.ledger.deployments("shop", "staging")[0]
    assert (now.release, now.outcome, now.schema) == (2, "succeeded", theirs.schema)
    assert now.reason == f"adopted from ledger {first.ledger.identity()[:8]}"
    assert {item.thing.split("_")[3][:2] for item in examine(second.controller(), "shop", STAGING)} == {"1-"}, (
        "of release 1, which is lost"
    )
    deploy(second.controller(), DeployRequest(second.release(3), STAGING))
    assert second.serving() == {3}
    assert {
        item.spec.env.get("DATABASE_URL") for name, item in first.runtime.containers.items() if "_backend_3-" in name
    } == urls
    rollback(second.controller(), "shop", "staging", RollbackRequest())
    assert second.serving() == {2}
    with pytest.raises(OtherLedger):
        deploy(first.controller(), DeployRequest(first.release(4), STAGING))


def test_restarts_and_numbers_of_replicas_are_taken_too(first: World, second: World) -> None:
    restart(first.controller(), "shop", "staging", ["frontend"])
    scale(first.controller(), "shop", "staging", {"backend": 3})
    theirs = release_of(first, 2)
    ctx, found = surveyed(second, Clone(theirs))
    adopt(ctx, theirs.plan, found, Clone(theirs).parse)
    now = second.ledger.current("shop", "staging")
    assert now is not None
    assert now.adjustments == Adjustments({"backend": 3}, {"frontend": 1})
    missing = [item for item in examine(second.controller(), "shop", STAGING) if "missing" in item.problem]
    assert missing == []


def test_what_can_not_be_rebuilt_is_told(first: World, second: World) -> None:
    theirs = release_of(first, 1)
    ctx, found = surveyed(second, Clone(theirs))
    (words,) = found.lost
    assert "release 2, since its plan can't be read from this clone" in words
    adopt(ctx, theirs.plan, found, Clone(theirs).parse)
    assert second.ledger.deployments("shop", "staging") == []
    deploy(second.controller(), DeployRequest(second.release(1), STAGING))
    assert second.serving() == {1}


def test_what_was_adopted_can_be_destroyed(first: World, second: World) -> None:
    ctx, found = surveyed(second, Clone(release_of(first, 1)))
    adopt(ctx, release_of(first, 1).plan, found, Clone().parse)
    destroy(second.controller(), release_of(first, 1).plan, STAGING)
    assert (first.runtime.containers, first.runtime.volumes) == ({}, {})


def test_another_release_of_that_number_is_told(first: World, second: World) -> None:
    for number in (1, 2):
        release = second.release(number)
    second.ledger.restore_release(dataclasses.replace(release, number=3))
    deploy(first.controller(), DeployRequest(dataclasses.replace(first.release(3), revision="e" * 40), STAGING))
    _, found = surveyed(second, Clone(release_of(first, 2)))
    assert "this ledger has another release 3" in found.lost[0]


def test_a_ledger_belongs_to_the_machine_that_opened_it_first(first: World) -> None:
    require_machine(first.ledger, "one", "ledger.db")
    require_machine(first.ledger, "one", "ledger.db")
    with pytest.raises(OtherLedger, match="was copied from another machine") as caught:
        require_machine(first.ledger, "two", "ledger.db")
    assert "shipway adopt" in caught.value.hint


def test_a_copied_ledger_takes_what_it_knows_under_an_identity_of_its_own(first: World, tmp_path: Path) -> None:
    require_machine(first.ledger, "one", "ledger.db")
    before = first.ledger.identity()
    ctx, found = surveyed(first, Clone(release_of(first, 2)), moved=True)
    assert found.lost == ()
    take_ledger(ctx, "two")
    adopt(ctx, release_of(first, 2).plan, found, Clone().parse)
    require_machine(ctx.ledger, "two", "ledger.db")
    assert ctx.ledger.identity() != before
    assert len(first.ledger.deployments("shop", "staging")) == 2, "it knows the release"
    assert examine(first.controller(), "shop", STAGING) == []


def test_a_machine_is_known_by_its_id_and_not_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "machine-id"
    monkeypatch.setattr(machine, "FILES", (tmp_path / "none", file))
    without = machine_id(tmp_path)
    assert machine_id(tmp_path) == without
    assert [path.name for path in tmp_path.iterdir()] == ["machine"]
    file.write_text("1a" * 16 + "\n")
    assert machine_id(tmp_path) == machine_id(tmp_path / "other") != without
    assert "1a" * 16 not in machine_id(tmp_path), "the system's own id is not to be told"
    file.write_text("uninitialized\n")
    assert machine_id(tmp_path) == without
