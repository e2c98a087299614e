"""What follows from a proof for a rollback, in words."""

from __future__ import annotations

from dataclasses import dataclass

from shipway.domain.proof import COLUMN_ORDER, RESTORED, SAFE, Proof

CODE, DOWN, FORWARD, FIRST = "code only", "down, then code", "forward only", "nothing to go back to"


@dataclass(frozen=True)
class Follows:
    """way: one of those above. sentence: for a person."""

    way: str
    sentence: str


def what_follows(proof: Proof) -> Follows:
    """The rollback that the proof allows."""
    if proof.before is None:
        return Follows(FIRST, "No release ran here before this one.")
    if proof.way is None:
        return Follows(CODE, "The release brings no migration: a rollback brings back the old images, and nothing else.")
    if proof.old_code.verdict == SAFE:
        return Follows(CODE, "A rollback brings back the old images and leaves the schema as it is: they were seen to work on it.")
    if proof.way.verdict in (RESTORED, COLUMN_ORDER):
        return Follows(DOWN, "A rollback reverts the schema by its down scripts, then brings back the old images.")
    return Follows(FORWARD, "There is no proven way back: a rollback is refused. What is left: hold the traffic, restore a snapshot, or roll forward.")
