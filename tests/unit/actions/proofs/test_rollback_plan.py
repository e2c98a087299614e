"""Rollbacks by the proofs that the ledger holds: what becomes of the schema, of what comes after, and who may insist."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.proofs.waive import waive, waiver_of
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback, rollback_order
from shipway.actions.upkeep.doctor import examine
from shipway.actions.upkeep.retire import retire_due
from shipway.actions.upkeep.status import status
from shipway.domain.catalog import BREAKING
from shipway.domain.errors import EdgeError, ForwardOnly, MigrationFailed, NothingToRollBack, UsageError
from shipway.domain.plan import Approvals, Environment
from shipway.domain.proof import DATA_LOST, FAILS, NO_EVIDENCE, SAFE, UNSAFE
from shipway.domain.release import Release
from shipway.domain.rollback_plan import CODE_THEN_DOWN, DOWN_THEN_CODE
from shipway.domain.schema_history import CODE_ONLY
from tests.unit.domain import samples
from tests.unit.world import World

ASKING = dataclasses.replace(samples.STAGING, after="earlier", approvals=Approvals(1))
OPEN = dataclasses.replace(
    ASKING, prove=False
)  # to deploy what nobody has proven, whatever the release's own plan says


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def deployed(world: World, *schemas: str, environment: Environment = ASKING) -> list[Release]:
    """Releases 1, 2 … with these schemas, each deployed."""
    releases = [world.release(number, schema, environment) for number, schema in enumerate(schemas, 1)]
    for release in releases:
        deploy(world.controller(), DeployRequest(release, OPEN))
    return releases


def back(world: World, to: str | None = None, way: str | None = None) -> None:
    rollback(world.controller(), "shop", "staging", RollbackRequest(to, "it burns" if way else "", way))
    retire_due(world.controller(), "shop", "staging")  # what the process does that a rollback starts


def last(world: World) -> tuple[int, str, str | None]:
    """Of the newest deployment: release, way, and the schema that it left."""
    newest = world.ledger.deployments("shop", "staging")[0]
    return newest.release, newest.way, newest.schema


def test_code_only_leaves_the_schema(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one)
    back(world)
    assert world.database.applied == ["0001", "0002"]
    assert world.serving() == {1}
    assert last(world) == (1, CODE_ONLY, "0002")
    assert any(
        "rollback plan: keep schema; final schema revision: 0002\n  release 2 (0001 → 0002): RESTORED, old code SAFE"
        in note
        for note in world.notes
    )
    seen = status(world.controller(), "shop", ASKING)
    assert seen.ahead == "0001"
    assert examine(world.controller(), "shop", ASKING) == []


def test_after_code_only_the_same_release_is_nothing_to_do(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one)
    back(world)
    assert deploy(world.controller(), DeployRequest(one, OPEN)) is None


def test_a_fix_of_the_old_code_goes_onto_the_schema_that_is_ahead(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one)
    back(world)
    fix = world.release(3, "0001", ASKING)
    deploy(world.controller(), DeployRequest(fix, OPEN))
    assert last(world) == (3, CODE_ONLY, "0002")
    assert world.database.applied == ["0001", "0002"]
    deploy(world.controller(), DeployRequest(world.release(4, "0003", ASKING), OPEN))
    assert last(world) == (4, "", "0003")


def test_an_old_release_is_not_deployed_onto_a_newer_schema(world: World) -> None:
    one, _ = deployed(world, "0001", "0002")
    with pytest.raises(MigrationFailed, match="0002"):
        deploy(world.controller(), DeployRequest(one, OPEN))


def test_after_code_only_forward_again_needs_no_migration(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one)
    back(world)
    back(world, to="2")
    assert last(world) == (2, CODE_ONLY, "0002")
    assert status(world.controller(), "shop", ASKING).ahead is None


def test_down_first_where_the_old_code_fails_on_the_new_schema(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, old=UNSAFE)
    world.notes.clear()
    back(world)
    assert world.database.applied == ["0001"]
    assert last(world) == (1, DOWN_THEN_CODE, "0001")
    parts = [note.split()[0] for note in world.notes]
    assert parts.index("revert") < parts.index("switch")


def test_code_first_where_nothing_speaks_against_it(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, old=NO_EVIDENCE)
    world.notes.clear()
    back(world)
    assert last(world) == (1, CODE_THEN_DOWN, "0001")
    parts = [note.split()[0] for note in world.notes]
    assert parts.index("switch") < parts.index("revert")


def test_down_first_where_the_step_breaks_old_code_that_nobody_tested(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, old=NO_EVIDENCE, triage=BREAKING)
    world.notes.clear()
    back(world)
    assert last(world) == (1, DOWN_THEN_CODE, "0001")
    parts = [note.split()[0] for note in world.notes]
    assert parts.index("revert") < parts.index("switch")


def test_a_rollback_that_fails_after_its_down_brings_the_schema_up_again(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, old=UNSAFE)
    world.edge.fail("switch", error=EdgeError("no space left"))
    with pytest.raises(EdgeError):
        back(world)
    assert world.database.applied == ["0001", "0002"]
    assert world.serving() == {2}
    assert last(world) == (1, DOWN_THEN_CODE, "0002")


def test_forward_only_changes_nothing_and_names_the_options(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, old=UNSAFE, way=DATA_LOST)
    before = world.state()
    with pytest.raises(ForwardOnly) as refused:
        back(world)
    assert world.state() == before
    for option in (
        "shipway maintenance on staging",
        "shipway waive RELEASE --env staging",
        "--keep-schema",
        "--revert-schema",
    ):
        assert option in refused.value.hint
    assert any("why DATA_LOST" in note and "why UNSAFE" in note for note in world.notes)


def test_a_proof_of_other_images_or_of_another_environment_does_not_count(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    other = dataclasses.replace(two, images={**two.images, "backend": "registry/shop/backend@sha256:" + "f" * 64})
    world.proven(other, one)
    world.proven(two, one, environment="production")
    with pytest.raises(ForwardOnly):
        back(world)


def test_the_newest_proof_counts(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, way=FAILS, old=UNSAFE)
    world.now += 1
    world.proven(two, one)
    back(world)
    assert last(world) == (1, CODE_ONLY, "0002")


@pytest.mark.parametrize(("way", "schema"), [(CODE_ONLY, "0002"), (DOWN_THEN_CODE, "0001")])
def test_a_person_insists(world: World, way: str, schema: str) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one, old=UNSAFE, way=DATA_LOST)
    back(world, way=way)
    assert last(world) == (1, way, schema)


def test_where_nobody_asks_for_proofs_the_down_scripts_run_as_ever(world: World) -> None:
    deployed(world, "0001", "0002", environment=samples.STAGING)
    back(world)
    assert last(world) == (1, CODE_THEN_DOWN, "0001")
    assert any("the down migrations run without a proof" in note for note in world.notes)


def test_to_a_release_that_stood_higher_is_no_way_back(world: World) -> None:
    deployed(world, "0001", "0002", environment=samples.STAGING)
    back(world)
    with pytest.raises(NothingToRollBack, match="which was not reached from 0002"):
        back(world, to="2")


def test_accepting(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    proof = world.proven(two, one, old=UNSAFE, way=DATA_LOST)
    ctx = world.controller()
    with pytest.raises(UsageError, match="reason"):
        waive(ctx, two, ASKING, proof, " ", 60.0)
    waive(ctx, two, ASKING, proof, "the column was never used", 60.0)
    word = waiver_of(ctx, proof)
    assert word is not None
    assert (word.finding, word.reason) == ("DATA_LOST, old code UNSAFE", "the column was never used")
    assert waiver_of(ctx, world.proven(two, one, old=UNSAFE, way=FAILS)) is None
    assert waiver_of(ctx, dataclasses.replace(proof, digest="another")) is None
    assert [item.reason for item in status(ctx, "shop", ASKING).waivers] == ["the column was never used"]
    world.now += 60
    assert waiver_of(ctx, proof) is None


def test_what_was_accepted_leads_back(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    proof = world.proven(two, one, old=UNSAFE, way=DATA_LOST)
    waive(world.controller(), two, ASKING, proof, "the column was never used", 60.0)
    back(world)
    assert last(world) == (1, DOWN_THEN_CODE, "0001")


def test_several_releases_back_in_one_go(world: World) -> None:
    one, two, three = deployed(world, "0001", "0002", "0003")
    world.proven(two, one, old=SAFE)
    world.proven(three, two, old=UNSAFE)
    back(world, to="1")
    assert last(world) == (1, CODE_THEN_DOWN, "0002")
    assert world.database.applied == ["0001", "0002"]
    assert status(world.controller(), "shop", ASKING).ahead == "0001"
    deploy(world.controller(), DeployRequest(world.release(4, "0001", ASKING), OPEN))
    assert last(world) == (4, CODE_ONLY, "0002")


def test_a_dry_run_decides_and_touches_nothing(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one)
    before = world.state()
    order = rollback_order(world.controller(), "shop", "staging", RollbackRequest())
    assert order.rollback is not None
    assert order.rollback.kind == CODE_ONLY
    assert world.state() == before


def test_a_revision_that_was_rewritten_under_its_name_is_another_one(world: World) -> None:
    one, two = deployed(world, "0001", "0002")
    world.proven(two, one)
    back(world, way=DOWN_THEN_CODE)
    three = world.release(3, "0002", ASKING)
    deploy(world.controller(), DeployRequest(three, OPEN))
    with pytest.raises(ForwardOnly):  # what was tried was the 0002 of release 2
        back(world, to="1")
    world.proven(three, one, old=UNSAFE)
    back(world, to="1")
    assert last(world) == (1, DOWN_THEN_CODE, "0001")
