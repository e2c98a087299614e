"""What a proof means for a rollback from this release to the previous one, as messages."""

from __future__ import annotations

from dataclasses import dataclass

from shipway.domain.proof import Proof
from shipway.domain.rollback_plan import (
    CODE_THEN_DOWN,
    DOWN_THEN_CODE,
    FORWARD_ONLY,
    RollbackQuery,
    Step,
    rollback_plan,
)
from shipway.domain.schema_history import CODE_ONLY

FIRST = "nothing to go back to"
SENTENCES = {
    CODE_ONLY: "A rollback brings back the old images and leaves the schema as it is: they were seen to work on it.",
    CODE_THEN_DOWN: "A rollback brings back the old images, then reverts the schema by its down scripts, as it was walked here.",
    DOWN_THEN_CODE: "The old images do not work on the new schema: a rollback first reverts it by its down scripts, as it was walked here.",
    FORWARD_ONLY: "There is no proven way back: a rollback is refused. What is left: hold the traffic, restore a snapshot, or roll forward.",
    FIRST: "No release ran here before this one.",
}
WAYS = tuple(SENTENCES)


@dataclass(frozen=True)
class Follows:
    """way: one of WAYS. sentence: for display."""

    way: str
    sentence: str


def what_follows(proof: Proof) -> Follows:
    """The plan that `domain.way_back` derives from this proof alone."""
    if proof.before is None:
        return Follows(FIRST, SENTENCES[FIRST])
    if proof.way is None:
        return Follows(
            CODE_ONLY, "The release brings no migration: a rollback brings back the old images, and nothing else."
        )
    after = proof.schema_after or ""
    step = Step(proof.release, proof.schema_before, after, proof)
    kind = rollback_plan(RollbackQuery(proof.before, (step,), {after: proof.old_code}, proof_required=True), after).kind
    return Follows(kind, SENTENCES[kind])
