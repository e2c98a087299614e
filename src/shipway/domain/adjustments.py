"""What people changed of a release in one environment: numbers of replicas, and restarts. Part of each deployment's
record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.domain.plan import Environment, Plan
    from shipway.domain.release import Deployment


@dataclass(frozen=True)
class Adjustments:
    """By service. A number of replicas is for each host, instead of the plan's."""

    replicas: Mapping[str, int] = field(default_factory=dict)
    restarts: Mapping[str, int] = field(default_factory=dict)  # of this release here: each gives new containers


def planned(plan: Plan, environment: str | Environment, service: str) -> int | None:
    """Replicas of a service on each host by the plan; None if it lacks the service or the environment."""
    where = plan.environments.get(environment) if isinstance(environment, str) else environment
    if service not in plan.services or where is None:
        return None
    return where.replicas.get(service, plan.services[service].replicas)


def carried(
    deployments: Sequence[Deployment], before: Plan | None, plan: Plan, environment: str, release: int
) -> Adjustments:
    """Those of a new deployment of this release. deployments: of the environment, newest first; before: the plan that
    runs there. Numbers of replicas stay until the plan has another number than before. Restarts are those of the
    release's last good deployment, so that its containers have the same names."""
    from shipway.domain import history

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
