"""Accept what a release's proof found: a person's word, with a reason and an end."""

from __future__ import annotations

from shipway.actions.approvals import Decisions
from shipway.context import Context
from shipway.domain.errors import GateRefused, UsageError
from shipway.domain.plan import Environment
from shipway.domain.proof import Proof
from shipway.domain.release import Acceptance, Release
from shipway.domain.way_back import finding


def accept(ctx: Context, release: Release, environment: Environment, proof: Proof, reason: str, lasts: float) -> Acceptance:
    """Record it as the context's actor. lasts: seconds. Who may not approve the release there may not accept it either."""
    if not reason.strip():
        raise UsageError("an acceptance needs a reason", hint="--reason TEXT: whoever rolls back at night will read it")
    refused = Decisions(ctx, release, environment.name).refused(environment.approvals, ctx.actor)
    if refused:
        raise GateRefused(refused, hint="another person accepts it, under their own name (--as or git's user.email)")
    now = ctx.clock()
    made = Acceptance(
        proof.app, environment.name, release.number, proof.digest, finding(proof), ctx.actor, reason.strip(), now, now + lasts
    )  # fmt: skip
    ctx.ledger.add_acceptance(made)
    return made


def accepted(ctx: Context, proof: Proof) -> Acceptance | None:
    """The newest acceptance that holds now, of just what this proof found on these images."""
    now = ctx.clock()
    holding = (
        item for item in reversed(ctx.ledger.acceptances(proof.app, proof.environment, proof.release))
        if (item.digest, item.finding) == (proof.digest, finding(proof)) and item.at <= now < item.expires
    )  # fmt: skip
    return next(holding, None)
