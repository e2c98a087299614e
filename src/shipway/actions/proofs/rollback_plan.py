"""Plan a rollback: pass the ledger's records of an environment to `domain.rollback_plan`."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shipway.actions.proofs.waive import waiver_of
from shipway.context import Context
from shipway.domain import rollback_plan as domain
from shipway.domain.errors import NothingToRollBack
from shipway.domain.plan import Environment
from shipway.domain.proof import CompatibilityTest, Proof, images_digest
from shipway.domain.record import from_data
from shipway.domain.release import Deployment, Release
from shipway.domain.schema_history import SchemaRevision, own_schema, schema_revisions

PROOF = "proof"  # kind of evidence


def rollback_plan_for(
    ctx: Context,
    deployments: Sequence[Deployment],
    target: Release,
    environment: Environment,
    forced: str | None,
    reason: str,
) -> domain.RollbackPlan:
    """Plan from the environment's current schema to the target. forced: the kind of plan that the user forces, with a
    reason."""
    revisions = schema_revisions(deployments)
    schema = revisions[-1].schema if revisions else None
    query = rollback_query(ctx, deployments, target, environment)
    return domain.forced(query, schema, forced, reason) if forced else domain.rollback_plan(query, schema)


def rollback_query(
    ctx: Context, deployments: Sequence[Deployment], target: Release, environment: Environment
) -> domain.RollbackQuery:
    """The steps between. NothingToRollBack if the schema history lacks the target's revision."""
    revisions = schema_revisions(deployments)
    own = own_schema(deployments, target)
    if target.plan.database is None or not revisions or own == revisions[-1].schema:
        return domain.RollbackQuery(target.number, ())
    known = [item.schema for item in revisions]
    if own is not None and own not in known:
        raise NothingToRollBack(
            f"the schema is at {known[-1]}, which was not reached from {own}, the revision of release {target.number}: there is no rollback path",
            hint=f"deploy the release with its migrations instead: shipway deploy {environment.name} {target.revision[:12]}",
        )
    lowest = known.index(own) if own is not None else -1
    steps = []
    for index in range(len(revisions) - 1, lowest, -1):
        before, item = known[index - 1] if index else None, revisions[index]
        found = _proof_of_step(ctx, target.app, environment.name, item.release, before, item.schema)
        steps.append(domain.Step(item.release, before, item.schema, found, waiver_of(ctx, found) if found else None))
    return domain.RollbackQuery(
        target.number, steps, _tried(ctx, revisions, target, environment), target.plan.asks_for_proof(environment)
    )


def proofs(ctx: Context, app: str, environment: str, release: int) -> list[Proof]:
    """Proofs of a release in an environment, newest first."""
    found = [
        item for item in ctx.ledger.evidence(app, release) if (item.kind, item.environment) == (PROOF, environment)
    ]
    return [from_data(Proof, json.loads(item.detail)) for item in reversed(found)]


def _proof_of_step(
    ctx: Context, app: str, environment: str, number: int, before: str | None, after: str
) -> Proof | None:
    release = ctx.ledger.release(app, number)
    digest = images_digest(release) if release else ""
    fitting = (
        proof for proof in proofs(ctx, app, environment, number)
        if (proof.digest, proof.schema_before, proof.schema_after) == (digest, before, after)
    )  # fmt: skip
    return next(fitting, None)


def _tried(
    ctx: Context, revisions: Sequence[SchemaRevision], target: Release, environment: Environment
) -> dict[str, CompatibilityTest]:
    """Compatibility tests of the target's images as the old code, from the proofs of the releases that brought these
    revisions; the newest proof counts. Proofs of other releases are excluded: a revision's name may have been
    reused."""
    digest = images_digest(target)
    found: dict[str, CompatibilityTest] = {}
    for item in revisions:
        release = ctx.ledger.release(target.app, item.release)
        for proof in proofs(ctx, target.app, environment.name, item.release) if release else ():
            fits = (proof.before_digest, proof.schema_after) == (digest, item.schema)
            if release and fits and proof.digest == images_digest(release):
                found.setdefault(item.schema, proof.old_code)
    return found
