"""Where a release is deployed: a host, or a cluster. Both have the same stages."""

from __future__ import annotations

from shipway.actions.deployments.cluster import ClusterDeployment
from shipway.actions.deployments.host import HostDeployment
from shipway.actions.deployments.plan import Decision, HostPlan
from shipway.context import Context

Place = HostDeployment | ClusterDeployment


def place_of(ctx: Context, decision: Decision, part: HostPlan) -> Place:
    """The place of a part of the decision, for its deployment."""
    return HostDeployment(ctx, decision, part) if part.cluster is None else ClusterDeployment(ctx, decision, part)
