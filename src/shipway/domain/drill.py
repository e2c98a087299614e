"""A drill of the way back, as the ledger keeps it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from shipway.domain.proof import UNSAFE, Stage, Trial
from shipway.domain.record import from_data
from shipway.domain.release import Evidence

DRILL = "drill"  # kind of evidence


@dataclass(frozen=True)
class Drill:
    """What one came to."""

    environment: str
    release: int  # from which
    target: int  # to which
    way: str
    schema: str | None
    trial: Trial  # of the target, where the way ends
    seconds: float
    stages: tuple[Stage, ...]

    @property
    def passed(self) -> bool:
        """Whether somebody could go back now; a target that nobody used counts, and says so."""
        return self.trial.verdict != UNSAFE


def newest(evidence: Sequence[Evidence], environment: str) -> tuple[float, Drill] | None:
    """The last one there, and when it was; evidence: of one release, oldest first."""
    found = [item for item in evidence if (item.kind, item.environment) == (DRILL, environment)]
    return (found[-1].at, from_data(Drill, json.loads(found[-1].detail))) if found else None
