"""Destroy an environment: remove its containers, routes, networks, the data of its accessories, and if requested the
volumes of its services."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from shipway.actions.deployments.clear import clear, empty_host, remove_from_cluster
from shipway.actions.deployments.plan import hosts_of
from shipway.actions.environment import maintenance
from shipway.actions.environment.ended import lost_since
from shipway.actions.environment.former_hosts import former_hosts, remember
from shipway.actions.environment.locks import environment_lease
from shipway.actions.environment.ownership import own_objects, require_owned
from shipway.actions.environment.recording import recorded
from shipway.actions.environment.service_volumes import kept_volumes
from shipway.actions.upkeep.left_outside import left_outside
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_ROLE, ContainerInfo
from shipway.domain.errors import EngineError
from shipway.domain.event import DEPLOYMENT, Subject
from shipway.domain.plan import Environment, Host, Plan
from shipway.domain.platform import in_cluster
from shipway.domain.provisioned import NO_HOST
from shipway.domain.release import DESTROY, PENDING, SUCCEEDED, Deployment
from shipway.system.parallel import attempt_all, side_by_side


def destroy(ctx: Context, plan: Plan, environment: Environment, *, volumes: bool = False) -> None:
    """Remove everything that runs there, on every host, and the volumes of accessories including snapshots. volumes:
    those of services too, which are kept and reported otherwise. What it has outside of its hosts stays, and is reported. The ledger keeps the history. A host that is unreachable stays remembered, and one of the plan is
    named by an EngineError when the others are done; if none of these answers, nothing is changed. If it fails or dies halfway, it stays pending, and the
    next command completes it without removing data: see `deployments.clear`."""
    now = ctx.ledger.current(plan.app, environment.name)
    before = ctx.ledger.release(plan.app, now.release) if now else None
    hosts = hosts_of(ctx, environment, before)
    if lost_since(ctx, plan.app, environment.name):
        hosts = [host for host in hosts if host.name != NO_HOST]  # its infrastructure was destroyed before
    away: dict[str, EngineError] = {}

    def ask(host: Host) -> None:
        try:
            require_owned(ctx.on(host.name), plan.app, environment.name)
        except EngineError as error:
            away[host.name] = error

    def clean(own: Context, host: Host) -> None:
        if host.name != NO_HOST and host.name not in away:
            _empty(own.on(host.name), plan, environment, volumes)

    side_by_side(ask, hosts)
    if hosts and len(away) == len(hosts):
        raise away[hosts[0].name]
    with environment_lease(ctx, plan.app, environment.name, "destroy") as own:
        number = _begin(own, plan.app, environment.name)
        shown = ctx.names.shown(plan.app, environment.name)
        heading = f"destroy {shown}"
        subject = Subject(DEPLOYMENT, plan.app, number) if number is not None else None
        with recorded(own, subject, heading) if subject else nullcontext(own) as kept:
            clear(kept, plan.app, environment, before, lambda host: clean(kept, host))
        maintenance.end(own, plan.app, environment.name, away=bool(away))
        remaining = {name: error.message for name, error in away.items()}
        if remaining:
            former = former_hosts(own, plan.app, environment.name)
            remember(own, plan.app, environment.name, {**former, **remaining})
        listed = "; ".join(f"{name} ({why})" for name, why in remaining.items())
        if number is None:
            own.reporter.note(f"nothing is deployed to {shown}: whatever was left of it is removed")
        else:
            own.ledger.end_deployment(number, SUCCEEDED, own.clock(), None, f"not on {listed}" if listed else "")
    for line in left_outside(ctx, plan.app, environment.name):
        ctx.reporter.note(line)
    if listed:
        raise EngineError(
            f"{environment.name} is destroyed, but not on {listed}: what runs there, and its data, remains",
            hint=f"once it is back: `shipway destroy {environment.name} --force` again; if it no longer exists: "
            f"`shipway doctor {environment.name} --forget HOST`",
        )


def _empty(ctx: Context, plan: Plan, environment: Environment, with_volumes: bool) -> None:
    """Empty a host. A failed removal does not prevent the others."""
    if in_cluster(ctx.machine.name):
        return remove_from_cluster(ctx, plan.app, environment.name, stores=True, volumes=with_volumes)
    kept = [] if with_volumes else kept_volumes(ctx, plan.app, environment.name)
    found = ctx.runtime.list({LABEL_APP: plan.app, LABEL_ENVIRONMENT: environment.name})
    for item in plan.accessories.values():
        if item.external:
            ctx.reporter.note(f"{item.name} is an external service, which stays as it is, with all its data")
    attempt_all(
        lambda: empty_host(ctx, plan.app, environment.name, volumes=True),
        lambda: attempt_all(
            *(
                partial(ctx.runtime.remove_volume, volume)
                for volume in _volumes(ctx, plan, environment, found)
                if volume not in kept
            )
        ),
    )
    if kept:
        ctx.reporter.note(
            f"the files of its services are kept in {', '.join(kept)}: the next deployment uses them, and "
            f"`shipway destroy {environment.name} --force --volumes` removes them"
        )


def _volumes(ctx: Context, plan: Plan, environment: Environment, found: Sequence[ContainerInfo]) -> list[str]:
    app, name = plan.app, environment.name
    known = [
        volume(app, name, accessory) for accessory in plan.accessories for volume in (names.accessory, names.snapshots)
    ]
    # Volumes of a removed container, of an upgraded database, or of another release's accessory.
    known += [
        item.name for item in own_objects(ctx, {LABEL_APP: app, LABEL_ENVIRONMENT: name}) if item.kind == "volume"
    ]
    known += [
        volume for item in found if item.labels.get(LABEL_ROLE) == "accessory" for volume in item.volumes.values()
    ]
    return list(dict.fromkeys(known))


def _begin(ctx: Context, app: str, environment: str) -> int | None:
    """Number of its pending record, which may be that of a process that died; None if nothing counts as deployed."""
    latest = ctx.ledger.latest(app, environment)
    if latest is None or latest.destroyed:
        return None
    if (latest.kind, latest.outcome) == (DESTROY, PENDING):
        return latest.id
    now = ctx.clock()
    record = Deployment(0, app, environment, latest.release, DESTROY, ctx.actor, "destroyed with its data", now)
    return ctx.ledger.begin_deployment(record)
