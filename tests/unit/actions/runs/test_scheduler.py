"""Which steps a run has, and what waits for what."""

from __future__ import annotations

import dataclasses

from shipway.actions.runs.scheduler import steps_of
from shipway.domain.plan import Step, StepImage
from tests.unit.domain import samples

LINT = Step("lint", run="x", image=StepImage("python:3"))
PROOF = Step("way-back", prove="staging")
LATE = dataclasses.replace(LINT, name="late", needs=("way-back",))
PLAN = dataclasses.replace(samples.PLAN, pipeline={"lint": LINT, "way-back": PROOF, "late": LATE})


def test_a_proof_waits_for_all_images_and_no_image_for_what_comes_after_it() -> None:
    steps = steps_of(PLAN, images=True)
    assert set(steps) == {"lint", "way-back", "late", "images"}
    assert steps["images"].needs == ("lint",)
    assert steps["way-back"].needs == ("images",)


def test_where_no_images_are_built_nothing_is_proven() -> None:
    assert set(steps_of(PLAN, images=False)) == {"lint"}
