"""What people changed of a release in one environment: numbers of replicas, and restarts. Part of each deployment's
record. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.plan import Environment, Plan
from shipway.domain.value import dataclass


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
