"""What a proof of a pipeline counts for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from shipway.actions.runs.proof_step import proof_key
from shipway.domain.plan import Plan, Proving, Scenario, Step
from shipway.domain.release import Commit
from shipway.steps.run import Inputs, Run
from shipway.system.git import Repository
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

PROOF = Step("way-back", prove="staging")


def test_a_proof_counts_for_the_plan_by_which_it_was_walked(tmp_path: Path) -> None:
    world = World.deployed(tmp_path, STAGING, 1)
    release = world.release(2, "0002")

    def key(plan: Plan) -> str:
        commit = Commit(release.revision, release.tree, "ada@example.org", "")
        run = Run(world.controller(), Repository(tmp_path), commit, plan, 1, tmp_path, world.images.registry, "v")  # type: ignore[arg-type]
        return proof_key(run, PROOF, Inputs(images=release.images))

    plan = release.plan
    known = key(plan)
    assert key(dataclasses.replace(plan, pipeline={"way-back": PROOF})) == known
    worker = dataclasses.replace(plan.services["worker"], command="sleep inf")
    others = (
        dataclasses.replace(plan, prove=Proving(exercise={"add": Scenario("add", "backend", "add", "write")})),
        dataclasses.replace(plan, prove=Proving(mask=("DELETE FROM users",))),
        dataclasses.replace(plan, services={**plan.services, "worker": worker}),
        dataclasses.replace(plan, environments={"staging": dataclasses.replace(STAGING, environment={"X": "1"})}),
    )
    assert len({known, *map(key, others)}) == 1 + len(others)
    world.close()
