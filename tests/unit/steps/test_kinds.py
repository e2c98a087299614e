"""The table of step kinds: every step has exactly one, which shows it in a line."""

from __future__ import annotations

import pytest

from shipway.domain.plan import Step, StepImage
from shipway.steps import KINDS, kind_of


@pytest.mark.parametrize(
    ("step", "name", "shown"),
    [
        (Step("unit", run="pytest", image=StepImage("python:3")), "command", "pytest"),
        (Step("images", build=("web", "api")), "image", "build web, api"),
        (Step("none", build=()), "image", "build "),  # `build: []` in a plan
        (Step("proof", prove="staging"), "proof", "prove staging"),
    ],
)
def test_a_step_has_exactly_one_kind(step: Step, name: str, shown: str) -> None:
    assert [known for known, kind in KINDS.items() if kind.fits(step)] == [name]
    assert kind_of(step).shown(step) == shown
