"""THE table of the kinds of pipeline steps.

To add one: write its two functions in a module of this package, or of `actions.runs` if they need the ledger's releases,
and add its line here. Which keys of the plan it has is in `planfile.sections`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shipway.domain.plan import Step
from shipway.domain.value import dataclass

if TYPE_CHECKING:
    from shipway.domain.run import StepResult
    from shipway.steps.run import Attempt, Inputs, Run


@dataclass(frozen=True)
class StepKind:
    """What the scheduler needs to know about a kind. Functions are `module:name`, and imported on demand."""

    fits: Callable[[Step], bool]  # exactly one kind fits each step
    run_by: str  # (Run, Attempt) -> StepResult; StepFailed if another attempt may succeed
    key_by: str  # (Run, Step, Inputs) -> str: digest over everything that its result depends on
    shown: Callable[[Step], str]  # what it does, in a line
    builds_images: bool = False  # of a release: only runs for a deployment need it
    needs_images: bool = False  # all images of the release, which are then built before

    def run(self, run: Run, attempt: Attempt) -> StepResult:
        """Make one attempt. StepFailed if another one may succeed."""
        result: StepResult = _load(self.run_by)(run, attempt)
        return result

    def key(self, run: Run, step: Step, inputs: Inputs) -> str:
        """Return the digest over everything that the step's result depends on: equal keys have equal results."""
        key: str = _load(self.key_by)(run, step, inputs)
        return key


KINDS: Mapping[str, StepKind] = {
    "command": StepKind(
        fits=lambda step: step.run is not None,
        run_by="shipway.steps.command:run_command",
        key_by="shipway.steps.command:command_key",
        shown=lambda step: str(step.run),
    ),
    "image": StepKind(
        fits=lambda step: step.run is None and step.prove is None,
        run_by="shipway.steps.image:build_images",
        key_by="shipway.steps.image:image_key",
        shown=lambda step: f"build {', '.join(step.build)}",
        builds_images=True,
    ),
    "proof": StepKind(
        fits=lambda step: step.prove is not None,
        # Actions: they look up an environment's release in the ledger.
        run_by="shipway.actions.runs.proof_step:prove_images",
        key_by="shipway.actions.runs.proof_step:proof_key",
        shown=lambda step: f"prove {step.prove}",
        needs_images=True,
    ),
}


def kind_of(step: Step) -> StepKind:
    """Return the kind of a step."""
    return next(kind for kind in KINDS.values() if kind.fits(step))


def _load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
