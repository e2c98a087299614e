"""What the nodes of a pipeline do: one file a kind, listed here."""

from __future__ import annotations

from shipway.domain.plan import Step

KINDS = {
    "command": "shipway.steps.command:run_command",
    "image": "shipway.steps.image:build_images",
    "proof": "shipway.actions.prove_step:prove_images",  # an action: it asks the ledger what an environment runs
}


def kind(step: Step) -> str:
    """Which kind a step of the plan is."""
    return "image" if step.build else "proof" if step.prove else "command"
