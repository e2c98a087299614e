"""The rollback plan from this release to the previous one, as derived from one proof."""

from __future__ import annotations

from shipway.domain.proof import UNSAFE, Proof
from shipway.domain.rollback_plan import (
    CODE_THEN_DOWN,
    DOWN_THEN_CODE,
    FORWARD_ONLY,
    RollbackQuery,
    Step,
    label,
    rollback_plan,
)
from shipway.domain.schema_history import CODE_ONLY
from shipway.domain.value import dataclass

FIRST = "nothing to go back to"  # in the JSON
SENTENCES = {
    CODE_ONLY: "A rollback restores the old images and keeps the schema: the images passed their test on it.",
    CODE_THEN_DOWN: "A rollback restores the old images, then reverts the schema with the down migrations that were tested here.",
    DOWN_THEN_CODE: "The old images do not work on the new schema: a rollback first reverts the schema with the down migrations that were tested here, then restores the images.",
    FORWARD_ONLY: "No rollback path is proven, so a rollback is rejected. Options: stop the traffic, restore a snapshot, or roll forward.",
    FIRST: "No release ran here before this one.",
}
BREAKS = "The up migrations break code for the old schema, and no test shows that the old images work on the new one: a rollback first reverts the schema with the down migrations that were tested here, then restores the images."
WAYS = tuple(SENTENCES)


@dataclass(frozen=True)
class Follows:
    """way: one of WAYS, as in the JSON. title and sentence: for display."""

    way: str
    sentence: str

    @property
    def title(self) -> str:
        return "no previous release" if self.way == FIRST else label(self.way)


def what_follows(proof: Proof) -> Follows:
    """The plan that `domain.rollback_plan` derives from this proof alone."""
    if proof.before is None:
        return Follows(FIRST, SENTENCES[FIRST])
    if proof.way is None:
        return Follows(CODE_ONLY, "The release has no migrations: a rollback only restores the old images.")
    after = proof.schema_after or ""
    step = Step(proof.release, proof.schema_before, after, proof)
    kind = rollback_plan(RollbackQuery(proof.before, (step,), {after: proof.old_code}, proof_required=True), after).kind
    untested = kind == DOWN_THEN_CODE and proof.old_code.verdict != UNSAFE
    return Follows(kind, BREAKS if untested else SENTENCES[kind])
