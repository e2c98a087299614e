"""Decide on a deployment: observe, query the migration tool, and compute the changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from shipway.actions.database.schema import Schema, decide_schema, unchanged
from shipway.actions.deployments.cluster_plan import changes_in_cluster
from shipway.actions.deployments.cluster_spec import in_cluster_of
from shipway.actions.deployments.lost_data import destroyed_data, way_back
from shipway.actions.deployments.seeds import is_due
from shipway.actions.environment.accessory_rules import leave_newer
from shipway.actions.environment.away import left_out, require_expendable
from shipway.actions.environment.ended import lost_since
from shipway.actions.environment.former_hosts import remedy, with_former
from shipway.actions.environment.observe import observe, settings, with_edge_of
from shipway.actions.environment.ownership import require_owned
from shipway.actions.environment.provided import provide
from shipway.actions.environment.public_address import require_free
from shipway.actions.environment.service_volumes import require_listed, volumes_elsewhere
from shipway.context import Context
from shipway.domain import history
from shipway.domain.adjustments import Adjustments
from shipway.domain.change import Change, Changeset
from shipway.domain.cluster import ClusterState
from shipway.domain.desired import Settings, nothing, render_desired
from shipway.domain.errors import EngineError, UsageError
from shipway.domain.moving import move_of
from shipway.domain.observed import DesiredState, Observed
from shipway.domain.plan import Environment, Host
from shipway.domain.platform import context_and_namespace, in_cluster
from shipway.domain.reconcile import reconcile
from shipway.domain.release import DEPLOY, RESTART, ROLLBACK, SCALE, Deployment, Release
from shipway.domain.rollback_plan import RollbackPlan
from shipway.domain.rules import InForce, differences
from shipway.domain.scaling import carried
from shipway.domain.secret_source import Provided
from shipway.domain.value import dataclass
from shipway.system.parallel import errors_of, side_by_side

BEFORE_SWITCH, AFTER_DEPLOY = "before_switch", "after_deploy"


@dataclass(frozen=True)
class DeployRequest:
    """A deployment request: this release, to this environment, for this reason."""

    release: Release
    environment: Environment
    kind: str = DEPLOY  # or ROLLBACK, RESTART, SCALE
    reason: str = ""
    version: str | None = None  # the tag that makes the release a version
    like: Deployment | None = None  # use this deployment's versions of the secrets
    rollback: RollbackPlan | None = None  # of a rollback
    adjustments: Adjustments | None = None  # None: those that still hold, see `domain.scaling.carried`
    in_force: InForce | None = None  # the rules that it met and whose checks it must pass; None: only the release's own
    waits: Callable[[Context], list[str]] | None = None  # under the lock: missing approvals, and a hold
    superseded: Callable[[Context], str] | None = None  # under the lock: why an automatic deployment is obsolete
    resume: bool = False  # a success ends the hold after a rollback
    hotfix: str = ""  # why it skips the environment where releases are validated: it is marked for ever
    force: bool = False
    provided: Provided | None = None  # from providers; None: fetch it, unless the values are those of `like`
    wait: float = 0.0  # seconds to wait for another owner's lock
    volumes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by accessory container: unusual volumes
    verified: frozenset[str] = frozenset()  # images whose signed digests each host must run
    page: str | None = None  # of a launch, see `holding`: HTML that visitors see from the first switch on


@dataclass(frozen=True)
class HostPlan:
    """The decision for one host."""

    host: Host
    desired: DesiredState
    observed: Observed
    changeset: Changeset
    cluster: ClusterState | None = None  # what is there, if the host is a namespace of a cluster
    place: str = ""  # that namespace and its server, for messages


@dataclass(frozen=True)
class Decision:
    """The complete decision, with everything needed to apply it."""

    order: DeployRequest
    settings: Settings
    parts: tuple[HostPlan, ...]  # of the environment's hosts, in the plan's order, then of former hosts
    previous: Deployment | None  # the environment's last good deployment
    previous_release: Release | None  # the release of that deployment
    schema: Schema
    unreachable: Mapping[str, str] = field(default_factory=dict)  # removed from the plan: why
    skipped: tuple[str, ...] = ()  # about each host that is down while the others go on
    destroyed: str = ""  # the data that is gone with destroyed infrastructure, as a statement
    way_back: str = ""  # how to get it again

    @property
    def first(self) -> HostPlan:
        """The host of the accessories, where jobs run."""
        return self.parts[0]

    @property
    def changeset(self) -> Changeset:
        """The changes on all hosts, with changes of the rules."""
        before, name = self.previous_release.plan if self.previous_release else None, self.order.environment.name
        rules = tuple(differences(before, self.order.release.plan, name)) if before else ()
        several = len(self.parts) > 1
        changes = [
            dataclasses.replace(item, host=part.host.name if several else "")
            for part in self.parts
            for item in part.changeset.changes
        ]
        return Changeset(self.first.changeset.title, self._with_tasks(changes), rules)

    def _with_tasks(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """Add the tasks, unless there is nothing to deploy."""
        where, host = self.order.environment, self.first.host.name if len(self.parts) > 1 else ""
        if self.order.kind != DEPLOY or not any(change.urgent for change in changes):
            return tuple(changes)
        before = [Change("run", "task", item.run, "before the switch", host=host) for item in where.before_switch]
        after = [Change("run", "task", item.run, "once the release serves", host=host) for item in where.after_deploy]
        first = next((at for at, item in enumerate(changes) if item.kind in ("container", "route")), len(changes))
        return (*changes[:first], *before, *changes[first:], *after)


def decide(ctx: Context, order: DeployRequest, *, create: bool = True) -> Decision:
    """Observe and decide. create=False changes nothing at all: for a dry run."""
    release, environment = order.release, order.environment
    deployments = ctx.ledger.history(release.app, environment.name)
    previous = history.current(deployments)
    previous_release = ctx.ledger.release(release.app, previous.release) if previous else None
    before = previous_release.plan if previous_release else None
    destroyed = destroyed_data(ctx, before, environment.name)
    fetched = order.provided
    if fetched is None and order.like is None:
        fetched = provide(ctx, release, environment, create=create)
    own = settings(
        ctx, release, environment, version=order.version, create=create,
        like=with_edge_of(previous, release.plan, environment, order.like), addresses=order.kind == ROLLBACK,
        provided=fetched,
        adjustments=order.adjustments or carried(deployments, before, release.plan, environment.name, release.number),
    )  # fmt: skip
    hosts = with_former(ctx, release.app, environment.name, hosts_of(ctx, environment, previous_release))
    unreachable: dict[str, str] = {}
    several = len(hosts) > 1
    if any(host.name != ctx.machine.name for host in hosts):
        ctx.registry(release.plan).ensure()  # the hosts pull from it, with its credentials

    away: dict[str, EngineError] = {}

    def inspect(host: Host) -> Observed | None:
        try:
            with errors_of(host.name if several else ""):
                here = ctx.on(host.name)
                require_owned(here, release.app, environment.name)
                return observe(here, release.app, environment.name)
        except EngineError as error:
            if host in environment.hosts:
                away[host.name] = error
                return None
            unreachable[host.name] = error.message
            why = f"skipped, since it was removed from the plan: {error.message}"
            ctx.reporter.note(f"{why}; {remedy(environment.name, host.name)}")
            return None

    found = dict(zip(hosts, side_by_side(inspect, hosts), strict=True))
    require_expendable(ctx, environment, environment.hosts, away)
    skipped = tuple(left_out(environment, name, error) for name, error in away.items())
    for text in skipped:
        ctx.reporter.note(text)
    there = {host: seen for host, seen in found.items() if seen is not None}
    hosts, observed = list(there), list(there.values())
    if order.kind in (RESTART, SCALE):
        schema = unchanged(deployments)
    else:
        known = [] if destroyed else deployments  # a new database has no schema yet
        schema = decide_schema(ctx.on(hosts[0].name), release, environment, own, known, observed[0], order.rollback)
    keep = history.previous_release(deployments, release.number)
    parts, seeds = [], order.kind == DEPLOY and is_due(ctx, release.app, environment)
    for host, seen in there.items():
        desired = render_desired(release, environment, own, keep=keep, seed=seeds and host == hosts[0], host=host)
        if host == hosts[0]:
            desired = dataclasses.replace(desired, up=schema.up, down=schema.down)
        if host not in environment.hosts:
            desired = nothing(desired)
        if in_cluster(host.name):
            parts.append(_in_cluster(ctx.on(host.name), order, own, desired, seen, previous_release, previous))
            continue
        if order.volumes:
            desired = _on_volumes(desired, order.volumes)
        changes = reconcile(desired, seen)
        if order.kind == ROLLBACK:
            changes = leave_newer(ctx.on(host.name), release.plan, changes, seen.accessories)
        if host in environment.hosts:
            require_listed(ctx, desired)
        parts.append(HostPlan(host, desired, seen, _with_edge(ctx.on(host.name), desired, changes)))
    back = way_back(ctx, release.app, environment.name) if destroyed else ""
    return Decision(order, own, tuple(parts), previous, previous_release, schema, unreachable, skipped, destroyed, back)


def _in_cluster(
    ctx: Context, order: DeployRequest, own: Settings, desired: DesiredState, seen: Observed, before: Release | None,
    now: Deployment | None,
) -> HostPlan:  # fmt: skip
    found = in_cluster_of(ctx, order.release, order.environment, own)
    state = found.cluster.observe()
    same = now if now and now.release == order.release.number else None
    changed = [name for name, number in own.versions.items() if same and same.secrets.get(name) != number]
    changes = changes_in_cluster(found.spec, desired, state, order.kind, before, order.release, changed)
    return HostPlan(order.environment.hosts[0], desired, seen, changes, state, found.cluster.place)


def _with_edge(ctx: Context, desired: DesiredState, changes: Changeset) -> Changeset:
    """Add changes of the shared edge. EdgeError if an address belongs to another environment."""
    require_free(ctx, desired)
    interrupted = ctx.edge.pending(desired.publish, desired.url) if desired.routes is not None else None
    if interrupted is None:
        return changes
    recreated = Change("replace", "edge", "edge", interrupted)
    return Changeset(changes.title, (recreated, *changes.changes))


def _on_volumes(desired: DesiredState, volumes: Mapping[str, Mapping[str, str]]) -> DesiredState:
    chosen = (dataclasses.replace(item, volumes=volumes.get(item.name, item.volumes)) for item in desired.accessories)
    return dataclasses.replace(desired, accessories=tuple(chosen))


def hosts_of(ctx: Context, environment: Environment, before: Release | None) -> list[Host]:
    """The environment's hosts, and those that only the previous release ran on, unless they were destroyed since."""
    was = before.plan.environments.get(environment.name) if before else None
    names = {host.name for host in environment.hosts}
    former = [host for host in (was.hosts if was else ()) if host.name not in names]
    lost = lost_since(ctx, before.app, environment.name) if before and former else None
    return [*environment.hosts, *(host for host in former if not lost or host.name not in lost.hosts)]


def refuse_danger(decision: Decision) -> None:
    """Reject dangerous changes without --force."""
    _refuse_other_platform(decision)
    _refuse_other_cluster(decision)
    _refuse_destroyed(decision) if decision.destroyed else _refuse_moved(decision)
    _refuse_exchanged(decision)
    _refuse_opening(decision)
    dangerous = [change for change in decision.changeset.changes if change.dangerous]
    if dangerous and not decision.order.force:
        listed = "\n".join(f"  {change.verb} {change.name}: {change.cause}" for change in dangerous)
        raise UsageError(
            f"rejected: it would interrupt {decision.order.environment.name}:\n{listed}",
            hint=f"to proceed: {_forced(decision.order)}",
        )


def _refuse_other_platform(decision: Decision) -> None:
    """Reject a change of `platform` while a release runs there, with --force too: what runs would be found by neither."""
    order, before = decision.order, decision.previous_release
    move = move_of(before.plan, order.environment.name, order.environment) if before else None
    if move is not None:
        raise UsageError(f"rejected: {move.why}", hint=move.remedy)


def _refuse_other_cluster(decision: Decision) -> None:
    """Reject a deployment to a cluster that has nothing of the environment, though a release runs there by the ledger: the present
    context may be another cluster's, where everything would begin again, empty."""
    order, before, state = decision.order, decision.previous_release, decision.first.cluster
    if before is None or state is None or state.standing or state.accessories or order.force:
        return
    context, _ = context_and_namespace(decision.first.host.name)
    which = f"context {context}" if context else "the current context"
    raise UsageError(
        f"rejected: release {before.number} runs on {order.environment.name}, but {which} of kubeconfig leads to "
        f"{decision.first.place}, which has nothing of it",
        hint=f"`kubectl config current-context` shows where you are. If the namespace was removed, to begin with empty volumes: {_forced(order)}",
    )


def _forced(order: DeployRequest) -> str:
    """The command that forces it: a push and a pipeline have no such option."""
    where, number = order.environment.name, order.release.number
    if order.kind == ROLLBACK:
        return f"shipway rollback {where} --to r{number} --force"
    return f"shipway deploy {where} r{number} --force"


def _refuse_opening(decision: Decision) -> None:
    """Reject a rollback that lets in others than now. A deployment can't: `access` is part of the rules in force."""
    order, before = decision.order, decision.previous_release
    was = before.plan.environments.get(order.environment.name) if before else None
    if before is None or was is None or order.kind != ROLLBACK or order.force:
        return
    if order.environment.access.opens(was.access):
        raise UsageError(
            f"rejected: release {order.release.number} lets in {order.environment.access.text}; release {before.number}, "
            f"which runs there, only {was.access.text}",
            hint=f"to proceed: {_forced(order)}; or deploy the older code with the present `access`",
        )


def _refuse_exchanged(decision: Decision) -> None:
    """Reject accessories that ran in a container and are external now, or the reverse, and a database in another file: no data
    moves along."""
    before, after = decision.previous_release.plan if decision.previous_release else None, decision.order.release.plan
    found = [
        f"{name} was {'an external service' if item.external else 'a container of the environment'}, and would be "
        f"{'an external service' if not item.external else 'a container of the environment'}"
        for name, item in (before.accessories.items() if before else ())
        if name in after.accessories and bool(after.accessories[name].external) != bool(item.external)
    ]
    own, other = after.database, before.database if before else None
    if own and other and own.accessory != other.accessory and (own.file or other.file):
        found.append(f"the database was {other.accessory}, and would be {own.accessory}")
    if found and not decision.order.force:
        raise UsageError(
            f"rejected: {'; '.join(found)}: its data doesn't move along",
            hint="copy the data first (`shipway maintenance on` keeps visitors from writing meanwhile), then: "
            + _forced(decision.order),
        )


def _refuse_destroyed(decision: Decision) -> None:
    """Reject a deployment that would start empty what was destroyed with its infrastructure, until a person wants that."""
    if not decision.order.force:
        raise UsageError(
            f"rejected: {decision.destroyed}; {decision.way_back}",
            hint=f"to start empty: {_forced(decision.order)}; then restore a backup if you want one, and go on as usual "
            f"(`shipway launch {decision.order.environment.name}`)",
        )


def _refuse_moved(decision: Decision) -> None:
    """Reject accessories that would start empty on a new host while their data is on the previous one."""
    moved = [item.name for part in decision.parts[1:] for item in part.observed.accessories]
    before = decision.previous_release.plan if decision.previous_release else None
    was = before.environments.get(decision.order.environment.name) if before else None
    if before is not None and was is not None and was.hosts[0].name in decision.unreachable:
        moved = [f"{name} (on {was.hosts[0].name}, which is unreachable)" for name in before.accessories]
    moved = moved if decision.first.changeset.of("accessory", "create") else []
    moved += volumes_elsewhere(before, decision.order.release, decision.order.environment)
    if moved and not decision.order.force:
        where = decision.first.host.name
        raise UsageError(f"rejected: {', '.join(moved)} would start empty on {where}, since the data is on another host",
                         hint=f"put that host first in `hosts`; or move the data, then: {_forced(decision.order)}")  # fmt: skip
