"""Compare the ledger with what really runs, and repair differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from shipway.actions.database.external import problems
from shipway.actions.deployments.cluster_plan import differences_in_cluster
from shipway.actions.deployments.cluster_spec import as_deployed, with_present_stores
from shipway.actions.deployments.desired_state import desired_state_of
from shipway.actions.deployments.plan import hosts_of
from shipway.actions.deployments.recover import exclusive_access, jobs, orphaned_sessions
from shipway.actions.deployments.revert import clear_host, revert
from shipway.actions.environment.accessory_rules import misplaced
from shipway.actions.environment.away import present
from shipway.actions.environment.ended import lost_since
from shipway.actions.environment.former_hosts import clean_up, differences
from shipway.actions.environment.locks import is_held
from shipway.actions.environment.maintenance import bring_into_line, difference
from shipway.actions.environment.observe import observe, settings
from shipway.context import Context
from shipway.domain import history, names
from shipway.domain.change import Change
from shipway.domain.container import LABEL_APP, LABEL_RUN, ContainerInfo
from shipway.domain.count import counted
from shipway.domain.draining import drain_of, ends_at, replaced_at
from shipway.domain.errors import ShipwayError
from shipway.domain.observed import DesiredState, Observed, release_of
from shipway.domain.plan import Environment, Host
from shipway.domain.platform import in_cluster
from shipway.domain.reconcile import reconcile
from shipway.domain.release import DESTROY, ROLLBACK, Deployment, Release
from shipway.domain.scaling import scaled
from shipway.domain.value import dataclass
from shipway.system.parallel import attempt_all

REPAIRS = {  # (kind, verb) of the repairing change: problem and remedy
    ("accessory", "create"): ("is missing", "create it with its existing volume"),
    ("accessory", "start"): ("doesn't run", "start it"),
    ("accessory", "restore"): ("was replaced, but the deployment failed", "restore the previous container"),
    ("accessory", "remove"): ("was replaced by another container", "remove it; its volumes are kept"),
    ("container", "create"): ("is missing", "create it"),
    ("container", "start"): ("doesn't run", "start it"),
    ("container", "remove"): ("belongs to no needed release", "remove it"),
    ("container", "stop"): ("should not run", "stop it"),
    ("route", "switch"): ("requests are led elsewhere", "switch the routes"),
    ("route", "remove"): ("the edge has orphaned routes", "remove them"),
}
LATE = 10.0  # seconds that automatic removals may be late


@dataclass(frozen=True)
class Finding:
    """A difference from the ledger. remedy: what `--fix` does; empty if it needs manual action."""

    environment: str
    host: str
    thing: str
    problem: str
    remedy: str


def examine(ctx: Context, app: str, environment: Environment) -> list[Finding]:
    """All differences in one environment, on all of its hosts."""
    return [Finding(environment.name, *each) for each in _differences(ctx, app, environment)]


def to_repair(
    ctx: Context, app: str, environments: Sequence[Environment], found: Sequence[Finding], *, waits: bool
) -> list[Environment]:
    """Those with findings; with `waits` also those at which another process works, which may leave that unfinished."""
    broken = {finding.environment for finding in found}
    return [item for item in environments if item.name in broken or (waits and ctx.ledger.pending(app, item.name))]


def repair(ctx: Context, app: str, environment: Environment, *, wait: float = 0.0) -> None:
    """Complete or roll back unfinished work, then restore the serving release on every host."""
    with exclusive_access(ctx, app, environment.name, "repair", wait=wait) as own:
        now = own.ledger.current(app, environment.name)
        release = own.ledger.release(app, now.release) if now else None
        runs: list[Callable[[], object]] = [partial(own.runtime.remove, run) for run in _orphaned_runs(own, app)]
        if now is None or release is None:
            latest = own.ledger.latest(app, environment.name)
            failed = own.ledger.release(app, latest.release) if latest else None
            if failed is not None:
                clear = partial(clear_host, own, failed, environment, None)
                runs += [
                    partial(revert, own, failed, environment, None),
                    partial(clean_up, own, app, environment, clear),
                ]
            attempt_all(*runs)
            return
        where = release.plan.environments.get(environment.name, environment)
        there = present(own, where, hosts_of(own, where, None))
        hosts = (partial(_prepare, own, release, where, host, now) for host in there)
        former = partial(clean_up, own, app, where, partial(clear_host, own, release, where, now))
        pages = (partial(_page, own, app, environment.name, host) for host in there)
        attempt_all(*runs, *hosts, partial(revert, own, release, where, now), *pages, former)


def _differences(ctx: Context, app: str, environment: Environment) -> Iterator[tuple[str, str, str, str]]:
    deployments = ctx.ledger.history(app, environment.name)
    if lost := lost_since(ctx, app, environment.name):
        why = f"was destroyed by {lost.actor} with {', '.join(sorted(lost.hosts))}, and nothing runs any more"
        yield "", "infrastructure", f"{why}: `shipway launch {environment.name}` makes both again", ""
        return
    alive = is_held(ctx.ledger.lease(names.scope(app, environment.name)), ctx.ledger.now())
    if not alive:
        yield from _unfinished(ctx.ledger.pending(app, environment.name))
    now = history.current(deployments)
    release = ctx.ledger.release(app, now.release) if now else None
    where = release.plan.environments.get(environment.name, environment) if release else environment
    if now is not None and release is not None:
        for name, (number, usual) in scaled(now, release.plan, where).items():
            back = f"`shipway scale {environment.name} {name}=plan` returns to that"
            yield "", name, f"was scaled to {counted(number, 'replica')}, the plan has {usual}: {back}", ""
        yield from _edges_down(ctx, hosts_of(ctx, where, None))
    for host in hosts_of(ctx, where, None):
        try:
            here = ctx.on(host.name)
            found = observe(here, app, environment.name)
        except ShipwayError as error:
            yield host.name, "host", error.message, ""
            continue
        left = [*([] if alive else jobs(here, app, environment.name)), *orphaned_sessions(here, app, environment.name)]
        for job in left:
            yield host.name, job, "is a leftover of a command that has ended", "remove it"
        if now is None or release is None:
            yield from _unexpected(host, found, ctx.ledger.latest(app, environment.name))
            continue
        desired = desired_state_of(here, now, release, where, host)
        if in_cluster(host.name):
            yield from _in_cluster(here, now, release, where, desired.keep)
            continue
        draining = _draining(found, deployments, now, ctx.clock())
        for change in reconcile(desired, found).changes:
            if (change.name, change.verb) not in draining:
                yield from _described(host, change, found)
        yield from _beyond_names(here, host, desired, found)
        if seen := difference(here, app, environment.name):
            yield host.name, "maintenance", seen, "show what `shipway maintenance` asked for"
        for name, problem in misplaced(here, release.plan, found.accessories):
            yield host.name, name, problem, ""
    yield from differences(ctx, app, where)
    if now is not None and release is not None and release.plan.externals:
        yield from _external(ctx, release, where, now)
    for run in _orphaned_runs(ctx, app):
        yield ctx.machine.name, run, "is a leftover of a run that has ended", "remove it"


def _in_cluster(
    ctx: Context, now: Deployment, release: Release, environment: Environment, keep: int | None
) -> Iterator[tuple[str, str, str, str]]:
    own = as_deployed(ctx, release, environment, now)
    own = with_present_stores(ctx, own, release.app, environment.name)
    for found in differences_in_cluster(own.spec, own.cluster.observe(), (keep,)):
        yield (ctx.machine.name, *found)


def _external(
    ctx: Context, release: Release, environment: Environment, now: Deployment
) -> Iterator[tuple[str, str, str, str]]:
    """External services that don't answer."""
    host = environment.hosts[0].name
    try:
        here, own = ctx.on(host), settings(ctx, release, environment, like=now)
        for name, problem in problems(here, release, environment, own):
            yield host, name, problem, ""
    except ShipwayError as error:
        yield host, "external services", error.message, ""


def _edges_down(ctx: Context, hosts: Sequence[Host]) -> Iterator[tuple[str, str, str, str]]:
    """Checked first, since it concerns every app of the engine."""
    for host in hosts:
        try:
            down = ctx.on(host.name).edge.down()
        except ShipwayError:  # reported when the host is observed
            continue
        for name in down:
            yield (
                host.name,
                name,
                "the edge is down: requests to its ports get no answer, in every environment",
                "start it",
            )


def _unfinished(pending: list[Deployment]) -> Iterator[tuple[str, str, str, str]]:
    for item in pending:
        what = f"{item.kind} of release {item.release}"
        yield (
            "",
            what,
            f"was started by {item.actor} and never completed: its process died",
            "complete it or roll it back",
        )


def _unexpected(host: Host, found: Observed, latest: Deployment | None) -> Iterator[tuple[str, str, str, str]]:
    """Findings of an environment where the ledger expects nothing to run."""
    if latest is None:
        why, remedy = "runs, but the ledger has no deployment", ""
    elif latest.destroyed:
        why, remedy = "exists, but the environment was destroyed", "remove it; volumes are kept"
    elif latest.kind == DESTROY:
        why, remedy = "remains of an incomplete destroy", "remove it; volumes are kept"
    else:
        why, remedy = "is a leftover of a failed deployment", "remove it; volumes are kept"
    for item in (*found.services, *found.accessories):
        yield host.name, item.name, why, remedy


def _draining(found: Observed, deployments: list[Deployment], now: Deployment, time: float) -> set[tuple[str, str]]:
    """Pending automatic removals, as (container, change): containers of outgoing releases that stop when their open
    requests complete, and leftovers of a rollback that finish in the background."""

    def ends(item: ContainerInfo) -> float:
        since = replaced_at(deployments, release_of(item))
        return ends_at(deployments, item, now.finished or 0.0 if since is None else since, time) + LATE

    before = {item.release for item in deployments}
    soon = [item for item in found.services if release_of(item) in before and time < ends(item)]
    stopping = [item for item in soon if drain_of(item) or now.kind == ROLLBACK]
    return {(item.name, "remove") for item in soon} | {(item.name, "stop") for item in stopping}


def _described(host: Host, change: Change, found: Observed) -> Iterator[tuple[str, str, str, str]]:
    if (change.kind, change.verb) in REPAIRS:
        problem, remedy = REPAIRS[change.kind, change.verb]
        state = next(
            (f" ({item.state})" for item in (*found.services, *found.accessories) if item.name == change.name), ""
        )
        yield host.name, change.name, problem + state, remedy
    elif change.kind == "accessory":  # replace
        yield host.name, change.name, "differs from the plan", ""


def _beyond_names(
    ctx: Context, host: Host, desired: DesiredState, found: Observed
) -> Iterator[tuple[str, str, str, str]]:
    """Differences that names and labels don't show: the image, and whether the edge reaches the container."""
    for name, image in _other_images(ctx, desired, found):
        yield host.name, name, f"runs another image than {image}", "replace it"
    rotation = names.rotation_network(desired.app, desired.environment)
    web = {spec.name for spec in desired.web}
    for item in found.services:
        if item.active and item.name in {spec.name for spec in desired.services}:
            seen = ctx.runtime.find(item.name)
            if seen is not None and seen.crash_looping(ctx.clock()):
                yield host.name, item.name, f"is in a crash loop: restarted {counted(seen.restarts, 'time')}", ""
        if item.running and item.name in web and rotation not in item.addresses:
            yield host.name, item.name, "is unreachable for the edge", "attach it to the edge's network"


def _other_images(ctx: Context, desired: DesiredState, found: Observed) -> list[tuple[str, str]]:
    """(container, expected image) of containers with another image."""
    have = {item.name: item.image for item in found.services}
    ids = {spec.image: (ctx.images.inspect(spec.image) or {}).get("Id") for spec in desired.services}
    return [
        (spec.name, spec.image)
        for spec in desired.services
        if spec.name in have and ids[spec.image] not in (None, have[spec.name])
    ]


def _prepare(own: Context, release: Release, environment: Environment, host: Host, now: Deployment) -> None:
    """Ensure what `revert` assumes: that the images are correct."""
    ctx = own.on(host.name)
    found = observe(ctx, release.app, environment.name)
    desired = desired_state_of(ctx, now, release, environment, host)
    specs = {spec.name: spec for spec in desired.services}
    for name, _ in _other_images(ctx, desired, found):
        ctx.runtime.stop(name, specs[name].stop_grace)
        ctx.runtime.remove(name)


def _page(own: Context, app: str, environment: str, host: Host) -> None:
    bring_into_line(own.on(host.name), app, environment)


def _orphaned_runs(ctx: Context, app: str) -> list[str]:
    """Containers of runs that have ended."""
    under_way = {str(run.number) for run in ctx.ledger.pending_runs(app)}
    found = ctx.runtime.list({LABEL_APP: app, LABEL_RUN: ""})
    return [item.name for item in found if item.labels[LABEL_RUN] not in under_way]
