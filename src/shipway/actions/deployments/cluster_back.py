"""Restore an environment's last good release in a cluster: after a failed deployment, or by the process after one that died."""

from __future__ import annotations

from functools import partial

from shipway.actions.deployments.cluster_plan import is_whole
from shipway.actions.deployments.cluster_spec import as_deployed
from shipway.context import Context
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release
from shipway.system.parallel import attempt_all


def revert_in_cluster(
    ctx: Context,
    outgoing: Release,
    environment: Environment,
    good: Release | None,
    previous: Deployment | None,
    *,
    data: bool,
) -> None:
    """To the good release as its deployment brought it; None: to nothing. data: with the data that the failed one created, if no
    release is good."""
    if good is None or previous is None:
        with ctx.part("remove", f"release {outgoing.number}"):
            ctx.cluster(outgoing.app, environment.name, environment.cluster).destroy(stores=data, volumes=data)
        if not data:
            ctx.reporter.note(f"the data of {environment.name} is kept in its claims: its next deployment uses it")
        return
    own = as_deployed(ctx, good, good.plan.environments[environment.name], previous)
    if not is_whole(own.spec, own.cluster.observe()):
        with ctx.part("switch back", f"release {good.number}"):
            own.cluster.prepare(own.spec, own.values, force=True)
            own.cluster.start(own.spec, force=True)
            own.cluster.healthy(own.spec, own.timeout, ctx.cancelled)
            own.cluster.switch(own.spec, force=True)
    kept = {good.number}
    others = [number for number in own.cluster.observe().releases if number not in kept]
    attempt_all(
        *(partial(own.cluster.remove, number) for number in others if number == outgoing.number),
        *(partial(own.cluster.rest, number, web=False) for number in others if number != outgoing.number),
    )
