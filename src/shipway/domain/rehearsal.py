"""A rollback rehearsal, as stored in the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shipway.domain.proof import UNSAFE, CompatibilityTest, Stage
from shipway.domain.record import from_data
from shipway.domain.release import Evidence
from shipway.domain.value import dataclass

REHEARSAL = "drill"  # kind of evidence


@dataclass(frozen=True)
class Rehearsal:
    """The result of one rehearsal."""

    environment: str
    release: int  # the release to roll back from
    target: int  # the release to roll back to
    way: str
    schema: str | None
    trial: CompatibilityTest  # of the target, on the schema that the rollback leads to
    seconds: float
    stages: tuple[Stage, ...]

    @property
    def passed(self) -> bool:
        """Whether a rollback would work now; also if no scenario tested the target, which the output reports."""
        return self.trial.verdict != UNSAFE


def newest(evidence: Sequence[Evidence], environment: str) -> tuple[float, Rehearsal] | None:
    """The latest rehearsal of an environment with its time; None without one. evidence: of one release, oldest
    first."""
    found = [item for item in evidence if (item.kind, item.environment) == (REHEARSAL, environment)]
    return (found[-1].at, from_data(Rehearsal, json.loads(found[-1].detail))) if found else None
