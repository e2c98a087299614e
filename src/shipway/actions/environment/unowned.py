"""Services that this ledger never deployed: adopted from a lost ledger, with a release that can't be rebuilt. A failed
first deployment leaves them unchanged."""

from __future__ import annotations

from functools import partial

from shipway.actions.environment.accessories import restore
from shipway.actions.environment.outgoing import enter_rotation
from shipway.context import Context
from shipway.domain import names, routes
from shipway.domain.container import LABEL_LEDGER, LABEL_NAME, ContainerInfo
from shipway.domain.draining import port_of
from shipway.domain.observed import Observed, release_of
from shipway.domain.plan import Plan
from shipway.steps.health import wait_healthy
from shipway.system.parallel import attempt_all

GRACE = 30.0  # seconds from SIGTERM to SIGKILL of an accessory


def unowned_containers(ctx: Context, app: str, environment: str, observed: Observed) -> list[ContainerInfo]:
    """Containers of services that none of this ledger's deployments created."""
    return [item for item in observed.services if not _made_here(ctx, app, environment, item)]


def _made_here(ctx: Context, app: str, environment: str, item: ContainerInfo) -> bool:
    owner, mine = item.labels.get(LABEL_LEDGER, ""), ctx.ledger.identity()
    if owner == mine:
        return True
    began = ctx.ledger.deployed_since(app, environment, release_of(item))
    # Another ledger has its own numbers; this one had another identity before it was moved.
    return began is not None and (not owner or item.created >= began)


def serve_again(ctx: Context, plan: Plan, environment: str, found: list[ContainerInfo], observed: Observed) -> None:
    """Route all requests to the newest of these releases that runs, as before. plan: of the failed release."""
    running = [release_of(item) or 0 for item in found if item.active]
    number = max(running, default=None)
    owner, rotation = names.route_owner(plan.app, environment), names.rotation_network(plan.app, environment)
    if number is None:
        if observed.routes is not None:
            ctx.edge.remove(owner)
        return
    serving = sorted((item for item in found if release_of(item) == number), key=lambda item: item.name)
    stopped = [item for item in serving if not item.active]  # by a rolling deployment
    for item in stopped:
        ctx.runtime.start(item.name)
    known = [(item, plan.services.get(item.labels.get(LABEL_NAME, ""))) for item in stopped]
    wait_healthy(ctx, [(item.name, service.health, service.port) for item, service in known if service])
    for item in serving:
        enter_rotation(ctx, rotation, item, inside=rotation in item.addresses)
    upstreams: dict[str, list[str]] = {}
    for item in serving:
        if port_of(item):
            upstreams.setdefault(item.labels[LABEL_NAME], []).append(f"http://{item.name}:{port_of(item)}")
    if observed.routes is None or routes.upstreams(observed.routes) <= {item.name for item in found}:
        return
    table = routes.redirected(observed.routes, number, upstreams)
    if table is not None:
        with ctx.part("switch back", f"release {number}, of another ledger"):
            ctx.edge.switch(owner, table)


def accessories_again(ctx: Context, observed: Observed) -> None:
    """Restore the replaced ones; remove those that this ledger created, but keep their volumes."""
    suffix, mine = names.replaced(""), ctx.ledger.identity()
    replaced = {item.name.removesuffix(suffix) for item in observed.accessories if item.name.endswith(suffix)}
    own = [
        item.name
        for item in observed.accessories
        if item.labels.get(LABEL_LEDGER) == mine and not item.name.endswith(suffix)
    ]
    attempt_all(
        *(partial(restore, ctx, name, GRACE) for name in sorted(replaced)),
        *(partial(ctx.runtime.remove, name, volumes=False) for name in own if name not in replaced),
    )
