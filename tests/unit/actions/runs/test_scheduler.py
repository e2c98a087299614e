"""Which steps a run has, and what waits for what."""

from __future__ import annotations

import dataclasses
from threading import Event
from types import SimpleNamespace

import pytest

from shipway.actions.runs import scheduler
from shipway.actions.runs.scheduler import steps_of
from shipway.domain.plan import Step, StepImage
from shipway.domain.run import StepResult
from shipway.steps.resume import ResumeState
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


def test_of_several_that_could_run_the_first_of_the_plan_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a long chain waits for comes before what nothing waits for, if the plan lists it first."""
    order: list[str] = []

    def step(pipeline: object, item: Step) -> StepResult:
        order.append(item.name)
        return StepResult()

    monkeypatch.setattr(scheduler._Pipeline, "_step", step)
    monkeypatch.setattr(scheduler, "clean_up", lambda *given: None)
    unit, late = dataclasses.replace(LINT, name="unit"), dataclasses.replace(LINT, name="late", needs=("unit",))
    ctx = SimpleNamespace(parallel=1, cancelled=Event())
    run = SimpleNamespace(ctx=ctx, plan=PLAN, number=1, connecting=[])
    steps = {item.name: item for item in (unit, late, LINT)}
    scheduler.run_steps(run, steps, ResumeState())  # type: ignore[arg-type]
    assert order == ["unit", "late", "lint"]
