"""Restore an environment's last good release in a cluster: after a failed deployment, or by the process after one that died."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from shipway.actions.deployments.cluster_plan import is_whole
from shipway.actions.deployments.cluster_spec import InCluster, as_deployed, with_present_stores
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.plan import Environment
from shipway.domain.release import Deployment, Release
from shipway.system.parallel import attempt_all


def revert_in_cluster(
    ctx: Context,
    outgoing: Release,
    environment: Environment,
    good: Release | None,
    previous: Deployment | None,
    new: Collection[str] | None = None,
) -> None:
    """To the good release as its deployment brought it; None: to nothing. new: volumes that the failed deployment created, which
    are removed if no release is good; None: none has failed here. The outgoing release may be the good one: it is repaired, or
    gets back what it had before it failed to get other secrets or another number of replicas."""
    if good is None or previous is None:
        _remove_all(ctx, outgoing, environment, new or ())
        return
    own = as_deployed(ctx, good, good.plan.environments[environment.name], previous)
    own = with_present_stores(ctx, own, good.app, environment.name)
    needed = {good.number, history.previous_release(ctx.ledger.history(good.app, environment.name), good.number)}
    repairs = outgoing.number == good.number
    attempt_all(
        partial(
            _remove, own, lambda number: number == outgoing.number and not repairs
        ),  # the good one may need its room
        partial(_restore, ctx, own, repairs=repairs, changed=repairs and new is not None),
        partial(_remove, own, lambda number: number not in needed),
    )


def _remove_all(ctx: Context, outgoing: Release, environment: Environment, new: Collection[str]) -> None:
    """All of it, and the data of accessories, and that of services, if there was none before this deployment."""
    app, name = outgoing.app, environment.name
    cluster = ctx.cluster(app, name, environment.cluster)
    state = cluster.observe()
    stores = bool(state.stored) and all(names.accessory(app, name, item) in new for item in state.stored)
    volumes = bool(state.volumes) and all(names.volume(app, name, item) in new for item in state.volumes)
    with ctx.part("remove", f"release {outgoing.number}"):
        cluster.destroy(stores=stores, volumes=volumes)
    if kept := [*(() if stores else state.stored), *(() if volumes else state.volumes)]:
        ctx.reporter.note(f"the data of {', '.join(kept)} is kept in claims: the next deployment to {name} uses it")


def _restore(ctx: Context, own: InCluster, *, repairs: bool, changed: bool) -> None:
    whole = is_whole(own.spec, own.cluster.observe())
    if whole and repairs and not changed:
        return
    with ctx.part("switch back", f"release {own.spec.release}"):
        own.cluster.prepare(own.spec, own.values, force=True)  # the failed one may have replaced an accessory
        own.cluster.accessories_healthy(own.spec, own.timeout, ctx.cancelled)
        # Jobs on a schedule are switched with addresses: where there are none, nothing else tells which release has them.
        if whole and not changed and any(item.port for item in own.spec.workloads):
            return
        own.cluster.start(own.spec, force=True)
        own.cluster.healthy(own.spec, own.timeout, ctx.cancelled)
        own.cluster.switch(own.spec, force=True)


def _remove(own: InCluster, chosen: Callable[[int], bool]) -> None:
    """The chosen releases that get no requests."""
    state = own.cluster.observe()
    led = {*state.serving.values(), *state.sharing}
    there = [number for number in state.releases if chosen(number) and number not in led]
    attempt_all(*(partial(own.cluster.remove, number) for number in there))
