"""Record a person's approval of a release for an environment, for exactly these digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shipway.actions.environment.find_release import which_release
from shipway.actions.projects.approvals import Decisions
from shipway.context import Context
from shipway.domain.approvals import NAMESPACE, Vote, change_digest, statement
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.plan import Approvals, Environment
from shipway.domain.release import Approval, Release
from shipway.domain.value import dataclass
from shipway.system.login import login
from shipway.system.ssh_signature import sign

WEEK = 7 * 86400.0  # seconds that a signed approval is valid if no rule limits it


@dataclass(frozen=True)
class Signing:
    """How an approval is signed."""

    key: Path
    lasts: float | None = None  # seconds; None: as the rule limits approvals, else WEEK


def approve(
    ctx: Context, decisions: Decisions, rules: Sequence[Approvals], reason: str, signing: Signing | None = None
) -> Approval:
    """Approve the release as the context's actor, or as the owner of the signing key. rules: those in force. Whoever
    may not approve by one of them is rejected now; the deployment checks again. Where approvals expire, approving again
    renews the term; otherwise the known approval is returned."""
    release = decisions.release
    if signing is None and any(rule.signed for rule in rules):
        raise UsageError(
            f"{decisions.environment} accepts only signed approvals",
            hint=f"shipway approve {decisions.environment} r{release.number} --sign",
        )
    now = ctx.ledger.now()
    approval = Approval(
        release.app, decisions.environment, release.number, release.digest, ctx.actor, reason, now, login()
    )
    vote = None
    if signing is not None:
        approval = _signed(ctx, decisions, approval, rules, signing)
        vote = _owner(decisions, approval, rules)
        approval = approval if vote is None or ctx.actor in vote.addresses else replace(approval, actor=vote.person)
    for rule in rules:
        _require_voter(ctx, decisions, rule, approval, vote)
    if signing is None and all(rule.expire is None for rule in rules):
        for known in ctx.ledger.approvals(release.app, decisions.environment, release.number):
            if (known.actor, known.digest, known.signature) == (approval.actor, release.digest, ""):
                return known
    ctx.ledger.add_approval(approval)
    now_there = ctx.ledger.current(release.app, decisions.environment)
    if now_there is not None and now_there.release == release.number:
        ctx.reporter.note(
            f"release {release.number} already runs in {decisions.environment}: the approval only counts if it is deployed there again"
        )
    return approval


def _signed(
    ctx: Context, decisions: Decisions, approval: Approval, rules: Sequence[Approvals], signing: Signing
) -> Approval:
    lasts = signing.lasts or min((rule.expire for rule in rules if rule.expire is not None), default=WEEK)
    digest = change_digest(decisions.before, decisions.release)
    full = replace(approval, change=digest, expires=float(int(approval.at + lasts)))
    return replace(full, signature=sign(statement(ctx.ledger.identity(), full), signing.key, NAMESPACE))


def _owner(decisions: Decisions, approval: Approval, rules: Sequence[Approvals]) -> Vote | None:
    """The vote of a signed approval. None if the repository is unreachable and no rule requires the signature: the
    deployment checks again."""
    try:
        return decisions.vote(approval)
    except RepositoryError:
        if any(rule.signed for rule in rules):
            raise
        return None


def _require_voter(ctx: Context, decisions: Decisions, rule: Approvals, approval: Approval, vote: Vote | None) -> None:
    """vote: that of a signed approval, if it is known."""
    hint = "another person must approve it, under their own name (--as or git's user.email)"
    if rule.signed and vote is not None and vote.refused:
        raise GateRefused(
            vote.refused, hint="add the key on the protected branch; it counts once a release that has it runs"
        )
    if not rule.not_author:
        return
    try:
        vote = vote or decisions.vote(approval)
        refused = decisions.refused(rule, vote.person, *vote.addresses)
    except (GateRefused, RepositoryError) as error:  # the deployment checks again, with all commits
        ctx.reporter.note(
            f"the deployment checks whether {approval.actor} is an author of the release: {error.message}"
        )
        return
    if refused:
        raise GateRefused(refused, hint=hint)


def find_release(ctx: Context, app: str, environment: Environment, which: str | None) -> Release:
    """The release with this number (12, r12) or version tag; None: the one last validated in the preceding
    environment."""
    if which:
        release = which_release(ctx, app, which, revisions=False)
    else:
        before = environment.after
        if before is None:
            newest = ctx.ledger.releases(app, limit=1)
            hint = (
                f"such as r{newest[0].number}, the newest one; `shipway history` lists what ran where"
                if newest
                else "`shipway run` builds one"
            )
            raise UsageError(f"name the release: {environment.name} has no preceding environment", hint=hint)
        now = ctx.ledger.current(app, before)
        if now is None:
            raise UsageError(
                f"nothing was validated on {before} yet",
                hint=f"deploy there first, with the branch that the plan names for {before}: `shipway run BRANCH`",
            )
        release = ctx.ledger.release(app, now.release)
    if release is None:
        raise UsageError(f"{app} has no release {which}", hint="`shipway history` lists them")
    return release
