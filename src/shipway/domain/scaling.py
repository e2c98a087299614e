"""Which adjustments hold for a deployment, and which differ from the plan. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.domain import history
from shipway.domain.adjustments import Adjustments, planned
from shipway.domain.plan import Environment, Plan
from shipway.domain.release import Deployment


def carried(
    deployments: Sequence[Deployment], before: Plan | None, plan: Plan, environment: str, release: int
) -> Adjustments:
    """Those of a new deployment of this release. deployments: of the environment, newest first; before: the plan that
    runs there. Numbers of replicas stay until the plan has another number than before. Restarts are those of the
    release's last good deployment, so that its containers have the same names."""
    now, good = history.current(deployments), history.good(deployments)
    own = next((item for item in good if item.release == release), None)
    kept = {
        name: number
        for name, number in (now.adjustments.replicas if now and before else {}).items()
        if before and planned(before, environment, name) == planned(plan, environment, name) is not None
        and number != planned(plan, environment, name)
    }  # fmt: skip
    return Adjustments(kept, own.adjustments.restarts if own else {})


def scaled(deployment: Deployment, plan: Plan, environment: Environment) -> dict[str, tuple[int, int]]:
    """Services with another number of replicas on each host than the plan's: it, and the plan's."""
    found = deployment.adjustments.replicas.items()
    return {name: (number, usual) for name, number in found if (usual := planned(plan, environment, name)) is not None}
