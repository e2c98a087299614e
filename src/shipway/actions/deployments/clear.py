"""Clear an environment: remove everything that runs there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shipway.actions.deployments.plan import Decision, hosts_of
from shipway.actions.environment import maintenance
from shipway.actions.environment.former_hosts import clean_up, former_hosts, remember
from shipway.actions.environment.ownership import own_labels, own_objects
from shipway.context import Context
from shipway.domain import names
from shipway.domain.container import LABEL_APP, LABEL_ENVIRONMENT, LABEL_ROLE
from shipway.domain.errors import EdgeError, EngineError
from shipway.domain.plan import Environment, Host
from shipway.domain.platform import ClusterSettings, context_and_namespace, in_cluster
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.system.parallel import attempt_all, attempt_side_by_side


def empty_host(ctx: Context, app: str, environment: str, *, volumes: bool) -> None:
    """Remove its route, containers and networks from a host. A failed removal does not prevent the others. volumes:
    remove the containers' anonymous volumes too. From a cluster, all but the claims with data."""
    if in_cluster(ctx.machine.name):
        return remove_from_cluster(ctx, app, environment, stores=False, volumes=False)

    def remove(container: str) -> None:
        with ctx.part("remove", container):
            ctx.runtime.remove(container, volumes=volumes)

    found = ctx.runtime.list({LABEL_APP: app, LABEL_ENVIRONMENT: environment})
    attempt_all(
        lambda: ctx.edge.remove(names.route_owner(app, environment)),
        lambda: attempt_side_by_side(remove, [item.name for item in found]),
        ctx.edge.trim,
        *(
            partial(ctx.runtime.remove_network, network(app, environment))
            for network in (names.rotation_network, names.network, names.visit_network)
        ),
    )


def remove_from_cluster(ctx: Context, app: str, environment: str, *, stores: bool, volumes: bool) -> None:
    """Remove the environment that this host is. stores, volumes: with the data of accessories, with the files of services."""
    context, namespace = context_and_namespace(ctx.machine.name)
    with ctx.part("remove", f"namespace {namespace}"):
        cluster = ctx.cluster(app, environment, ClusterSettings(context, namespace))
        cluster.destroy(stores=stores, volumes=volumes)


def clear(
    ctx: Context, app: str, environment: Environment, good: Release | None, clean: Callable[[Host], None]
) -> None:
    """Clear the hosts of the environment, those that only the good release ran on, and former hosts."""
    hosts = hosts_of(ctx, environment, good)
    former = partial(clean_up, ctx, app, environment, clean)
    if not environment.placed:
        attempt_all(*(partial(clean, host) for host in hosts), former)
        return
    leader = _leader(ctx, app, environment)
    others = [host for host in hosts if host.name != leader]
    # The networks are the leader's, and the others' edges are in them.
    last = [partial(clean, host) for host in hosts if host.name == leader]
    attempt_all(partial(attempt_side_by_side, clean, others), *last, former)
    if leader is not None:
        ctx.on(leader).runtime.remove_leftovers(own_labels(ctx, app, environment.name))


def remove_orphans(ctx: Context, decision: Decision) -> None:
    """Remove services that the platform still runs, and that only a lost host would have shown: it was first in the plan."""
    order = decision.order
    if not (order.environment.placed and decision.unreachable):
        return
    app, name, first = order.release.app, order.environment.name, ctx.on(decision.first.host.name).runtime
    known = {spec.name for part in decision.parts for spec in part.desired.services}
    known |= {item.name for part in decision.parts for item in part.observed.services}
    labels = {LABEL_APP: app, LABEL_ENVIRONMENT: name}
    first.claim(own_labels(ctx, app, name), [host.name for host in order.environment.hosts])
    for item in first.list(labels):
        if item.labels.get(LABEL_ROLE) == "service" and item.name not in known:
            first.remove(item.name)
            ctx.reporter.note(f"{item.name} was removed: it was created through a host that is lost")


def _leader(ctx: Context, app: str, environment: Environment) -> str | None:
    """The host through which the platform's services are found from now on, also those that were created through another
    one: the first that can; None if none can."""
    labels = own_labels(ctx, app, environment.name)
    names_of = [host.name for host in environment.hosts]
    for name in names_of:
        try:
            others = [each for each in names_of if each != name]
            if ctx.on(name).runtime.claim(labels, [name, *others]):
                return name
        except EngineError as error:
            ctx.reporter.note(f"{name} can't remove what its platform runs: {error.message}")
    return None


def complete_destroy(ctx: Context, dead: Deployment, environment: Environment, good: Release | None) -> None:
    """Complete the destroy of a process that died, but remove no data: whoever wants that repeats the command. Volumes that
    remain are reported, and so are hosts that can't be cleared, which stay remembered: no later command is blocked."""
    app, name = dead.app, dead.environment
    ctx.reporter.heading(f"complete destroy {ctx.names.shown(app, name)}: {dead.actor}'s process died")
    remaining: dict[str, str] = {}  # hosts, and why
    volumes: list[str] = []

    def one(host: Host) -> None:
        try:
            here = ctx.on(host.name)
            empty_host(here, app, name, volumes=False)
            found = own_objects(here, {LABEL_APP: app, LABEL_ENVIRONMENT: name})
            volumes.extend(item.name for item in found if item.kind == "volume")
        except (EngineError, EdgeError) as error:
            remaining[host.name] = error.message
            ctx.reporter.note(f"{host.name} was not cleared: {error.message}")

    clear(ctx, app, environment, good, one)
    remember(ctx, app, name, {**former_hosts(ctx, app, name), **remaining})
    maintenance.end(ctx, app, name, away=bool(remaining))
    kept = ", ".join(dict.fromkeys(volumes))
    if kept:
        option = " --volumes" if any(volume.endswith(names.VOLUME) for volume in volumes) else ""
        ctx.reporter.note(
            f"its data is kept in {kept}: the next deployment uses it, and `shipway destroy {name} --force{option}` removes it"
        )
    detail = f"its process died; kept: {kept}" if kept else "its process died"
    ctx.ledger.end_deployment(dead.id, SUCCEEDED, ctx.clock(), None, detail)
