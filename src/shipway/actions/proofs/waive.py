"""Waive a failed rollback proof, with a reason and an expiry."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.actions.projects.approvals import Decisions
from shipway.context import Context
from shipway.domain.errors import GateRefused, UsageError
from shipway.domain.plan import Approvals, Environment
from shipway.domain.proof import Proof
from shipway.domain.release import Release, Waiver
from shipway.domain.rollback_plan import finding


def waive(
    ctx: Context,
    release: Release,
    environment: Environment,
    proof: Proof,
    reason: str,
    lasts: float,
    rules: Sequence[Approvals] = (),
) -> Waiver:
    """Record the waiver as the context's actor. lasts: seconds. rules: those in force, beside the environment's own.
    Whoever may not approve the release by one of these rules may not waive its proof either."""
    if not reason.strip():
        raise UsageError("a waiver needs a reason", hint="pass --reason TEXT; it is shown before a rollback")
    decisions = Decisions(ctx, release, environment.name)
    for rule in (environment.approvals, *rules):
        if refused := decisions.refused(rule, ctx.actor):
            raise GateRefused(
                refused, hint="another person must waive it, under their own name (--as or git's user.email)"
            )
    now = ctx.clock()
    made = Waiver(
        proof.app, environment.name, release.number, proof.digest, finding(proof), ctx.actor, reason.strip(), now, now + lasts
    )  # fmt: skip
    ctx.ledger.add_waiver(made)
    return made


def waiver_of(ctx: Context, proof: Proof) -> Waiver | None:
    """The newest valid waiver of exactly this result on these images."""
    now = ctx.clock()
    holding = (
        item for item in reversed(ctx.ledger.waivers(proof.app, proof.environment, proof.release))
        if (item.digest, item.finding) == (proof.digest, finding(proof)) and item.at <= now < item.expires
    )  # fmt: skip
    return next(holding, None)
