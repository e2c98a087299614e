"""The kinds of pipeline steps: one file each, listed here."""

from __future__ import annotations

from shipway.domain.plan import Step

KINDS = {
    "command": "shipway.steps.command:run_command",
    "image": "shipway.steps.image:build_images",
    "proof": "shipway.actions.runs.proof_step:prove_images",  # an action: it looks up an environment's release in the ledger
}


def kind(step: Step) -> str:
    """The kind of a step."""
    return "image" if step.build else "proof" if step.prove else "command"
