"""How many deployments and runs there were, for graphs."""

from __future__ import annotations

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Total:
    """Those of an app with the same environment, kind and outcome."""

    app: str
    environment: str  # empty: of runs, which belong to none
    kind: str  # of a deployment; of a run: why it started
    outcome: str
    count: int
    seconds: float  # that they took together; of those in progress: 0
