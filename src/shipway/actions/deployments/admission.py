"""Which release may be deployed to an environment: the rules in force, with all reasons together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from shipway.actions.deployments.checks import image_of
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.requirements import unmet
from shipway.actions.deployments.waits import SINCE, Asked, frozen, held, mark
from shipway.actions.messages.news import report
from shipway.actions.projects.approvals import Decisions
from shipway.actions.projects.in_force import Rulebook, running_rules
from shipway.actions.projects.renamed import refuse_renamed
from shipway.actions.provenance.gate import refused_images, remedy
from shipway.context import Context
from shipway.domain import gate, rules
from shipway.domain.errors import DeploymentWaits, GateRefused
from shipway.domain.outbox import APPROVAL
from shipway.domain.plan import Environment, Plan
from shipway.domain.preview import is_of_preview
from shipway.domain.provisioned import HOSTS, NO_HOST
from shipway.domain.refs import HEADS, TAGS, branch_matches, short_name
from shipway.domain.release import Commit, Release
from shipway.domain.rules import InForce, RuleSet
from shipway.domain.value import dataclass

BY_A_PERSON = Asked()
LOOK = 60.0  # seconds until the forge is asked again for what is missing there
UNBUILT, UNVALIDATED = "no release was built from", "not validated on"
OTHERS = 20  # branches searched only to report which one a commit is on


def admitted(
    ctx: Context, commit: Commit, app: str, book: Rulebook, in_force: InForce, ref: str = "", asked: Asked = BY_A_PERSON
) -> DeployRequest:  # fmt: skip
    """The request to deploy the commit's release. GateRefused lists every reason against it: DeploymentWaits if only people
    or time are missing.

    The release is found by the commit's tree: a merge commit with the validated tree is that release.
    """
    name = in_force.environment
    candidate = candidate_of(book, in_force, commit, ref)
    judgement = judged(ctx, commit, app, book, in_force, candidate, asked)
    release, reasons = judgement.release, judgement.reasons
    if reasons or release is None:
        against = [*reasons, *judgement.unapproved, *judgement.waits]
        raise refusal(commit, in_force, against, release.plan if release else None, ref, release)
    if against := [*judgement.unapproved, *judgement.waits]:
        if judgement.unapproved and not judgement.waits:
            report(ctx, APPROVAL, app, name, release.number, "; ".join(judgement.unapproved))
        refused = refusal(commit, in_force, against, release.plan, ref, release)
        if asked.hotfix:
            command = f"shipway deploy {in_force.called} {short_name(ref) or commit.revision[:12]}"
            refused.hint = refused.hint.replace(command, f"{command} --hotfix --reason TEXT")
        raise DeploymentWaits(
            refused.message, hint=refused.hint, release=release.number, why=against, until=judgement.until,
            seen=judgement.seen,
        )  # fmt: skip
    environment = release.plan.environments[name]
    refuse_renamed(ctx, release.plan, name)
    version = next((found for _, item in in_force.environments if (found := candidate.version(item))), None)
    reason = f"{version or commit.revision[:12]}: {commit.subject}"
    reason += f"; despite the freeze, since {asked.despite_freeze}" if asked.despite_freeze else ""
    reason += f"{SINCE}{asked.hotfix}" if asked.hotfix else ""
    waits = partial(_waits, release=release, book=book, in_force=in_force, revision=commit.revision, asked=asked)
    return DeployRequest(
        release, environment, version=version, reason=reason, in_force=in_force, waits=waits, resume=asked.resume,
        hotfix=asked.hotfix,
    )  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """What the rules in force say of a commit. release: None if there is none that may be deployed."""

    release: Release | None
    reasons: list[str]  # against it, whatever people decide or time brings
    unapproved: list[str]  # approvals that are missing
    waits: list[str]  # what else it waits for
    until: float | None = None  # when that is over, as far as time alone decides
    seen: str = ""  # what people had decided before, see `waits.mark`


def judged(
    ctx: Context, commit: Commit, app: str, book: Rulebook, in_force: InForce, candidate: gate.Candidate,
    asked: Asked = BY_A_PERSON,
) -> Judgement:  # fmt: skip
    """Judge a commit, whose tags may include one that is yet to be made."""
    reasons = refused_commit(book, in_force, candidate) + (gate.refused_hotfix(in_force) if asked.hotfix else [])
    release, problem = _release(ctx, commit, app, in_force, asked)
    if release is None:
        return Judgement(None, [*reasons, problem], [], [])
    seen = mark(ctx, app, in_force.environment, release.number)
    unapproved = _unapproved(ctx, release, book, in_force, commit.revision, asked)
    freeze, until = frozen(ctx, in_force, asked)
    lacks = unmet(ctx, in_force, Decisions(ctx, release, in_force.environment, book, in_force, commit.revision))
    if lacks and until is None:
        until = ctx.ledger.now() + LOOK
    waits = [*held(ctx, app, in_force.environment, in_force.called, asked), *freeze, *lacks]
    reasons += _refused_release(in_force, release) + refused_images(ctx, release, in_force)
    return Judgement(release, reasons, unapproved, waits, until, seen)


def _waits(
    ctx: Context, *, release: Release, book: Rulebook, in_force: InForce, revision: str, asked: Asked
) -> list[str]:
    """The same under the environment's lock: what else happened there since may have changed it."""
    unapproved = _unapproved(ctx, release, book, in_force, revision, asked)
    hold = held(ctx, release.app, in_force.environment, in_force.called, asked)
    lacks = unmet(ctx, in_force, Decisions(ctx, release, in_force.environment, book, in_force, revision))
    return [*unapproved, *hold, *frozen(ctx, in_force, asked)[0], *lacks]


def _unapproved(
    ctx: Context, release: Release, book: Rulebook, in_force: InForce, revision: str, asked: Asked
) -> list[str]:
    """Missing approvals, of which a hotfix needs more. They cover a change of the current release, which other deployments may have replaced
    since."""
    decisions = Decisions(ctx, release, in_force.environment, book, in_force, revision)

    def missing(item: RuleSet, environment: Environment) -> list[str]:
        rule, more = environment.approvals, environment.hotfix.approvals if asked.hotfix else 0
        return decisions.missing(replace(rule, count=max(rule.count, more)))

    return gate.told_apart(in_force, missing)


def refused_before(
    book: Rulebook, in_force: InForce, commit: Commit, plan: Plan, ref: str, proves: Sequence[InForce] = (), *,
    hosts_later: bool = False,
) -> None:  # fmt: skip
    """Reasons known before anything is built: the commit's origin, what its plan leaves unproven, and its reach, also
    in the environments that its steps prove against. hosts_later: its own may come from infrastructure that is yet to be
    applied. Raises GateRefused."""
    reasons = refused_commit(book, in_force, candidate_of(book, in_force, commit, ref))
    reasons += refused_plan(in_force, plan, hosts_later=hosts_later)
    reasons += gate.refused_proof(plan, in_force)
    reasons += [
        f"{item.environment}, which a step proves against: {reason}"
        for item in proves
        for reason in refused_plan(item, plan)
    ]
    if reasons:
        raise refusal(commit, in_force, reasons, plan, ref)


def candidate_of(book: Rulebook, in_force: InForce, commit: Commit, ref: str) -> gate.Candidate:
    """What the recorded repository reports about a commit."""
    origin = book.origin
    tags = tuple(sorted(name for name, tip in origin.refs().tags().items() if tip == commit.revision))
    patterns = [pattern for _, environment in in_force.environments for pattern in environment.trigger.branches]
    names = list(origin.refs().branches())
    asked = [name for name in names if any(branch_matches(pattern, name) for pattern in patterns)]
    branches = origin.contains(asked, commit.revision)
    if not branches:
        branches = origin.contains([name for name in names if name not in asked][:OTHERS], commit.revision)
    return gate.Candidate(
        commit.revision, tags, tuple(branches), ref.removeprefix(TAGS) if ref.startswith(TAGS) else None
    )


def refused_commit(book: Rulebook, in_force: InForce, candidate: gate.Candidate) -> list[str]:
    """Reasons in the rules themselves, and in the commit's origin."""
    reasons = gate.refused_rules(in_force)
    if not candidate.branches and not candidate.tags and is_unpushed(book, candidate):
        reasons.append(f"{candidate.revision[:12]} is not in {book.origin.address}: push it first")
    return reasons + gate.told_apart(in_force, lambda item, environment: gate.refused_source(environment, candidate))


def is_unpushed(book: Rulebook, commit: Commit | gate.Candidate) -> bool:
    """Whether there is a remote, and no ref there reaches the commit."""
    return book.has_remote and not book.origin.has(commit.revision)


def refused_plan(in_force: InForce, plan: Plan, *, hosts_later: bool = False) -> list[str]:
    """Reasons in the plan's reach."""
    if in_force.environment not in plan.environments:
        return [f"the plan of this commit has no environment {in_force.called}"]
    if not hosts_later and _lacks_hosts(plan.environments[in_force.environment]):
        return [f"the hosts of {in_force.called} come from its infrastructure, which was never applied"]
    return rules.refused_reach(plan, in_force)


def _refused_release(in_force: InForce, release: Release) -> list[str]:
    name = in_force.environment
    reasons = _older_hosts(in_force, release) or refused_plan(in_force, release.plan)
    reasons += gate.refused_proof(release.plan, in_force)
    if name in release.plan.environments:
        required = rules.required_checks(release.plan, release.plan.environments[name], in_force)
        lacking = [check.name for check in required if not image_of(release, check)]
        reasons += [
            f"release {release.number} has no image for the check {check}, which the rules in force require"
            for check in lacking
        ]
    return reasons


def _older_hosts(in_force: InForce, release: Release) -> list[str]:
    """The reason against a release whose hosts are those of earlier infrastructure, and no longer allowed."""
    was, now = release.plan.environments.get(in_force.environment), in_force.protected.rules
    if was is None or now is None or was.hosts == now.hosts or _lacks_hosts(now):
        return []
    if was.infra is None or HOSTS not in was.infra.outputs or not refused_plan(in_force, release.plan):
        return []
    others = [] if _lacks_hosts(was) else refused_plan(in_force, release.plan)
    return [f"release {release.number} was built before the infrastructure changed", *others]


def _lacks_hosts(environment: Environment) -> bool:
    return any(host.name == NO_HOST for host in environment.hosts)


def _release(ctx: Context, commit: Commit, app: str, in_force: InForce, asked: Asked) -> tuple[Release | None, str]:
    known = ctx.ledger.releases_of(app, commit.tree)
    # That of a preview has the same tree, but no other environment; and the reverse.
    found = [item for item in known if in_force.environment in item.plan.environments]
    found = found or [item for item in known if not is_of_preview(item.plan)]
    if not found:
        return None, f"{UNBUILT} the tree of {commit.revision[:12]}; `shipway run` builds one"
    before = [] if asked.hotfix else after_of(in_force)
    for release in found:
        if all(gate.validated(release, ctx.ledger.deployments_of(app, name, release.number), name) for name in before):
            return release, ""
    where = " and ".join(before)
    return None, f"release {found[0].number} has this tree but was {UNVALIDATED} {where}{_validated(ctx, app, before)}"


def _validated(ctx: Context, app: str, before: Sequence[str]) -> str:
    """What runs there and may be deployed in its place."""
    serving = {now.release for name in before if (now := ctx.ledger.current(app, name))}
    for number in sorted(serving, reverse=True):
        release = ctx.ledger.release(app, number)
        records = [(ctx.ledger.deployments_of(app, name, number), name) for name in before]
        if release and all(gate.validated(release, deployments, name) for deployments, name in records):
            return f"; release {number} of {release.revision[:12]} was"
    return ""


def after_of(in_force: InForce) -> list[str]:
    """The environments where a release must have been validated."""
    return list(dict.fromkeys(environment.after for _, environment in in_force.environments if environment.after))


def refusal(
    commit: Commit,
    in_force: InForce,
    reasons: Sequence[str],
    plan: Plan | None,
    ref: str,
    release: Release | None = None,
) -> GateRefused:
    """All reasons, the rules side by side if they differ, and the next steps."""
    name = in_force.called
    listed = "\n".join(f"  - {reason}" for reason in reasons)
    columns = [*((("this commit", plan),) if plan else ()), *((item.source, item.plan) for item in in_force.sets)]
    table = rules.side_by_side(columns, in_force.environment)
    shown = "\nThe rules differ:\n" + "\n".join(f"  {line}" for line in table.splitlines()) if table else ""
    return GateRefused(
        f"{name} rejects {commit.revision[:12]}:\n{listed}{shown}",
        hint=_hint(commit, in_force, reasons, ref, bool(table), release),
    )


def _hint(
    commit: Commit, in_force: InForce, reasons: Sequence[str], ref: str, differ: bool, release: Release | None
) -> str:
    name = in_force.called
    what = short_name(ref) or commit.revision[:12]
    hints = []
    if first := _first(in_force, reasons, what, tagged=ref.startswith(TAGS)):
        hints.append("; then: ".join(first))
    if release and (against := [reason for reason in reasons if "@sha256:" in reason]):
        hints.append(remedy(release, against))
    older = any("before the infrastructure changed" in reason for reason in reasons)
    if older:
        tested = [f"shipway deploy {before} {what}" for before in after_of(in_force)]
        hints.append("; then: ".join([f"shipway run {what}", *tested, f"shipway deploy {name} {what}"]))
    if any("never applied" in reason for reason in reasons):
        hints.append(f"shipway infra {name} plan")
    if any("is frozen until" in reason for reason in reasons):
        hints.append(f"wait until then; or: shipway deploy {name} {what} --override-freeze --reason TEXT")
    if any("is on hold" in reason for reason in reasons):
        hints.append(f"`shipway resume {name}` ends the hold; or: shipway deploy {name} {what} --resume")
    if any("approval" in reason for reason in reasons):
        number = f" r{release.number}" if release else ""
        hints.append(f"ask another person to run: shipway approve {name}{number}; then: shipway deploy {name} {what}")
    if (differ and not older) or any(item.rules is None for item in in_force.sets):
        hints.append(
            f"change the plan on the protected branch first, or put this plan's rules in force: shipway rules accept {name} {what} --reason TEXT"
        )
    return "; or: ".join(hints)


def _first(in_force: InForce, reasons: Sequence[str], what: str, *, tagged: bool) -> list[str]:
    """Commands, one after another, for what comes before a deployment: to push, build, validate and tag. tagged: `what` is a tag,
    whose run builds nothing where releases are validated before."""
    unpushed, unbuilt, unvalidated, untagged = (
        any(text in reason for reason in reasons)
        for text in ("push it first", UNBUILT, UNVALIDATED, "only revisions with a tag")
    )
    commands = [f"git push, then: shipway run {what}"] if unpushed else [f"shipway run {what}"] if unbuilt else []
    validated = after_of(in_force)
    if unbuilt and tagged and validated and (branch := _branch_of(in_force, validated[0])):
        commands, validated = [f"shipway run {branch}, once {branch} has this commit"], validated[1:]
    if unbuilt or unvalidated:
        commands += [f"shipway deploy {before} {what}" for before in validated]
    if untagged:
        commands.append("shipway release")
    if unbuilt or unvalidated or untagged:
        commands.append(f"shipway deploy {in_force.called} {'TAG' if untagged else what}")
    return commands


def _branch_of(in_force: InForce, environment: str) -> str:
    """A branch of which each push deploys there; empty if the rules name none."""
    plans = [item.plan for item, _ in in_force.environments if item.plan and environment in item.plan.environments]
    names = (name for plan in plans for name in plan.environments[environment].trigger.branches)
    return next((name for name in names if "*" not in name), "")


def superseded_by(book: Rulebook, in_force: InForce, commit: Commit, ref: str, app: str) -> partial[str]:
    """A check, under the environment's lock, whether an automatic deployment is still current."""
    return partial(_superseded, book=book, environment=in_force.environment, commit=commit, ref=ref, app=app)


def _superseded(ctx: Context, *, book: Rulebook, environment: str, commit: Commit, ref: str, app: str) -> str:
    """Why it is obsolete; "": it is current. GateRefused if a tag has moved: it no longer is what was requested."""
    tip = book.origin.refs(fresh=True).commits.get(ref)
    if ref.startswith(TAGS) and tip != commit.revision:
        now = f"now points to {tip[:12]}" if tip else "was deleted"
        raise GateRefused(
            f"the tag {ref.removeprefix(TAGS)} {now}: the deployment of {commit.revision[:12]} by this tag is obsolete",
            hint="push a tag with another name",
        )
    current = ctx.ledger.current(app, environment)
    running = ctx.ledger.release(app, current.release) if current else None
    if (
        running is None
        or tip == commit.revision
        or not book.origin.is_older(commit.revision, running.revision, ref.removeprefix(HEADS))
    ):
        return ""
    return f"{ref.removeprefix(HEADS)} has newer commits, and release {running.number} of {running.revision[:12]} already runs there"


def sources(in_force: InForce) -> str:
    """Origin of the rules, in one line."""
    return " and ".join(item.source for item in in_force.sets)


def still_in_force(ctx: Context, order: DeployRequest) -> None:
    """Under the environment's lock: GateRefused if another deployment changed the rules since they were met, or the
    approvals no longer suffice; DeploymentWaits if only those, or a hold, are against it."""
    if order.in_force is None:
        return
    running = running_rules(ctx, order.release.app, order.environment.name)
    judged = [item.digest for item in (order.in_force.running, order.in_force.protected) if item]
    # Accepted rules replace those of exactly one running release.
    if running is not None and order.in_force.replaced != running.key and running.digest not in judged:
        raise GateRefused(
            f"a release with other rules was deployed to {order.environment.name} in the meantime",
            hint="run the command again",
        )
    seen = mark(ctx, order.release.app, order.environment.name, order.release.number)
    reasons = order.waits(ctx) if order.waits else []
    if reasons:
        listed = "\n".join(f"  - {reason}" for reason in reasons)
        raise DeploymentWaits(
            f"{order.environment.name} now rejects release {order.release.number}:\n{listed}",
            hint="run the command again", release=order.release.number, why=reasons, seen=seen,
            until=frozen(ctx, order.in_force, BY_A_PERSON)[1] or ctx.ledger.now() + LOOK,
        )  # fmt: skip
