"""Deploy a release to an environment: gate, observe, decide, prepare, switch, verify, drain and stop."""

from __future__ import annotations

import dataclasses

from shipway.actions.deployments.admission import still_in_force
from shipway.actions.deployments.apply import apply
from shipway.actions.deployments.backup_gate import require_backup
from shipway.actions.deployments.clear import remove_orphans
from shipway.actions.deployments.holding import hold, holding_page
from shipway.actions.deployments.lost_data import starts_empty, way_back
from shipway.actions.deployments.places import place_of
from shipway.actions.deployments.plan import Decision, DeployRequest, decide, refuse_danger
from shipway.actions.deployments.proof_gate import require_proof, still_proven
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.deployments.verified import verified_images
from shipway.actions.deployments.waits import hold_after_rollback, mark_hotfix, settle
from shipway.actions.environment.local_ca import how_to_trust
from shipway.actions.environment.maintenance import bring_into_line
from shipway.actions.environment.observe import versions
from shipway.actions.environment.provided import older_values
from shipway.actions.environment.recording import recorded
from shipway.actions.proofs.recorded import note_proofs
from shipway.context import Context
from shipway.domain.event import DEPLOYMENT, Subject
from shipway.domain.release import DEPLOY, ROLLBACK, SUPERSEDED, Deployment, Evidence
from shipway.system.parallel import errors_of


def deploy(ctx: Context, order: DeployRequest) -> Deployment | None:
    """Deploy it. None if there was nothing to do. On any failure the previous release keeps serving, and the error is
    raised."""
    require_proof(ctx, order)
    with exclusive_access(ctx, order.release.app, order.environment.name, reason_of(order), wait=order.wait) as own:
        still_proven(own, order)
        still_in_force(own, order)
        why = order.superseded(own) if order.superseded else ""
        if why:
            _supersede(own, order, why)
            return None
        done = execute(own, order)
        settle(own, order)
    if order.kind == DEPLOY:
        note_proofs(ctx, order.release)
    return done


def _supersede(ctx: Context, order: DeployRequest, why: str) -> None:
    """Record that a newer deployment came first."""
    app, name = order.release.app, order.environment.name
    record = Deployment(0, app, name, order.release.number, order.kind, ctx.actor, reason_of(order), ctx.clock())
    ctx.ledger.end_deployment(ctx.ledger.begin_deployment(record), SUPERSEDED, ctx.clock(), None, why)
    ctx.reporter.note(
        f"{ctx.names.shown(app, name)}: release {order.release.number} is superseded and was not deployed: {why}"
    )


def execute(ctx: Context, order: DeployRequest) -> Deployment | None:
    """Deploy with a context of `exclusive_access`."""
    app, name = order.release.app, order.environment.name
    verified = verified_images(ctx, order.release, name, order.kind, order.in_force)
    order = dataclasses.replace(
        order, verified=verified, page=holding_page(ctx, app, order.environment, order.in_force)
    )
    decision = decide(ctx, order)
    for part in decision.parts:
        if part.host in order.environment.hosts:
            bring_into_line(ctx.on(part.host.name), app, name)
    if _is_current(decision) and not _changes(decision):
        _give_version(ctx, order)
        ctx.reporter.note(f"{ctx.names.shown(app, name)} already runs release {order.release.number}: nothing to do")
        _finish(ctx, decision)
        return None
    refuse_danger(decision)
    for part in decision.parts:
        host = place_of(ctx, decision, part)
        with errors_of(host.name):
            host.require_space()
            host.require_sound_accessories(force=order.force)
    if order.kind == DEPLOY:
        require_backup(ctx, order.release, order.environment, order.in_force, migrates=bool(decision.schema.up))
        ctx.ledger.reserve()
    said = [f"{order.kind} {ctx.names.shown(app, name)}", decision.changeset.render()]
    ctx.reporter.heading(said[0])
    ctx.reporter.note(said[1])
    said += decision.skipped
    _note_empty(ctx, decision)
    if decision.schema.deferred:
        said.append(f"deferred until the next release (`contract`): {', '.join(decision.schema.deferred)}")
        ctx.reporter.note(said[-1])
    note_older_values(ctx, decision)
    plan = decision.schema.rollback
    record = Deployment(
        id=0, app=app, environment=name, release=order.release.number, kind=order.kind, actor=ctx.actor,
        reason=reason_of(order), started=ctx.clock(), secrets=decision.settings.versions, fingerprints=decision.settings.fingerprints,
        way=plan.kind if plan else "", goal=plan.schema if plan else None, adjustments=decision.settings.adjustments,
    )  # fmt: skip
    _give_version(ctx, order)
    if order.hotfix:
        mark_hotfix(ctx, order)
    if order.page:
        hold(ctx, order.release, order.environment)
    if order.kind == ROLLBACK and decision.previous is not None:
        hold_after_rollback(ctx, app, name, decision.previous.release, order.reason)
    number = ctx.ledger.begin_deployment(record)
    with recorded(ctx, Subject(DEPLOYMENT, app, number), *said) as own:
        apply(own, decision, number)
        remove_orphans(own, decision)
    advice = how_to_trust(order.environment) if decision.previous is None else None
    if advice:
        ctx.reporter.note(advice)
    if order.page:
        shown = ctx.names.shown(app, name)
        ctx.reporter.note(
            f"visitors of {shown} see a page until it is launched: shipway launch {shown} tests and opens it"
        )
    return ctx.ledger.latest(app, name)


def _note_empty(ctx: Context, decision: Decision) -> None:
    """What had data, and starts empty: its machine was replaced, or somebody removed the volume."""
    app, name, host = decision.order.release.app, decision.order.environment.name, decision.first.host.name
    before = decision.previous_release.plan if decision.previous_release else None
    if empty := starts_empty(ctx.on(host), before, decision.first.desired):
        ctx.reporter.note(
            f"{', '.join(empty)} had data, and {host} has no volume with it: what starts now is empty; {way_back(ctx, app, name)}"
        )


def note_older_values(ctx: Context, decision: Decision) -> None:
    """A rollback runs with the secrets that its release ran with: report which of them differ from those of now."""
    own = decision.settings
    older = (
        older_values(ctx, decision.previous, own.versions, own.fingerprints) if decision.order.kind == ROLLBACK else []
    )
    if older:
        listed = "\n".join(f"  {line}" for line in older)
        ctx.reporter.note(f"secrets with the values that the release ran with:\n{listed}")


def _changes(decision: Decision) -> bool:
    """Whether something must change now."""
    return any(change.urgent for change in decision.changeset.changes)


def _finish(ctx: Context, decision: Decision) -> None:
    """Stop outgoing releases whose time is over: the background process may have died, as in a hosted job."""
    app, name = decision.order.release.app, decision.order.environment.name
    deployments = ctx.ledger.history(app, name)
    hosts = [place_of(ctx, decision, part) for part in decision.parts if part.changeset]
    for host in hosts:
        host.retire(deployments, wait=False)
    if any(host.has_outgoing() for host in hosts):
        ctx.retire_later(app, name)


def _give_version(ctx: Context, order: DeployRequest) -> None:
    """Assign the release's version once nothing rejects it."""
    if order.version and order.version not in versions(ctx, order.release):
        release, name = order.release, order.environment.name
        version = Evidence(
            release.app, release.number, name, "version", order.version, True, reason_of(order), ctx.clock()
        )
        ctx.ledger.add_evidence(version)


def reason_of(order: DeployRequest) -> str:
    """Reason for the lock and the history."""
    return order.reason or f"{order.kind} of release {order.release.number}"


def _is_current(decision: Decision) -> bool:
    return decision.previous is not None and decision.previous.release == decision.order.release.number
