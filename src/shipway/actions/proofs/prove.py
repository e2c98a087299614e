"""Prove a release's rollback: from an environment's current release to this one and back, on a copy of its database."""

from __future__ import annotations

import dataclasses
import json

from shipway.actions.environment.find_release import which_release
from shipway.actions.proofs.request import ProofRequest, proof_request
from shipway.actions.proofs.rollback_plan import PROOF, proofs
from shipway.context import Context, environment_of
from shipway.domain import history
from shipway.domain.errors import UsageError
from shipway.domain.plan import Environment, Plan
from shipway.domain.preview import is_of_preview
from shipway.domain.proof import SAFE, CompatibilityTest, Proof
from shipway.domain.record import to_data
from shipway.domain.release import Evidence, Release

LATEST = 50  # releases among which the newest one is looked for


def prove(
    ctx: Context,
    release: Release,
    environment: Environment,
    *,
    mode: str | None = None,
    again: bool = False,
    traffic: bool = True,
) -> Proof | None:
    """The proof, recorded or run now. None if nothing runs there: there is no rollback target.

    ProofError if it can't be run.
    """
    request = proof_request(ctx, release, environment, mode)
    if request is None:
        return None
    known = None if again else recorded(ctx, request)
    if known is not None:
        return known
    proof = run_proof(ctx, dataclasses.replace(request, traffic=traffic))
    if release.number:
        record(ctx, proof)
    return proof


def runs_already(ctx: Context, release: Release, environment: Environment) -> bool:
    """Whether it is the environment's current release: its migrations are applied, and there is nothing to prove."""
    current = history.current(ctx.ledger.history(release.app, environment.name))
    return current is not None and current.release == release.number


def find_release(ctx: Context, app: str, which: str | None) -> Release:
    """The release with this revision, version tag or number; None: the newest. UsageError if there is none."""
    if which is None:
        known = ctx.ledger.releases(app, limit=LATEST)
        found = [item for item in known if not is_of_preview(item.plan)]
    else:
        found = [item for item in [which_release(ctx, app, which, revisions=True)] if item]
    if not found:
        raise UsageError(f"{app} has no release{f' of {which}' if which else ''}", hint="`shipway run` builds one")
    return found[0]


def find_environment(plan: Plan, name: str | None) -> Environment:
    """The environment with that name; None: the one that requires proofs, else the last."""
    if name is None:
        asking = [item.name for item in plan.environments.values() if plan.asks_for_proof(item)] or list(
            plan.environments
        )
        name = asking[-1] if asking else ""
    return environment_of(plan, name)


def recorded(ctx: Context, request: ProofRequest) -> Proof | None:
    """The newest proof of exactly this: the same images, the same initial schema, the same content."""
    blank = request.blank(0.0)
    for proof in proofs(ctx, blank.app, blank.environment, blank.release):
        same = ("digest", "before_digest", "schema_before", "mode")  # they determine which migrations are applied
        if all(getattr(proof, name) == getattr(blank, name) for name in same):
            return proof
    return None


def record(ctx: Context, proof: Proof) -> None:
    """Store it in the ledger, as evidence of its release."""
    detail = json.dumps(to_data(proof), ensure_ascii=False)
    ctx.ledger.add_evidence(
        Evidence(proof.app, proof.release, proof.environment, PROOF, proof.mode, proof.leads_back, detail, ctx.clock())
    )


def run_proof(ctx: Context, request: ProofRequest) -> Proof:
    """Run the proof. Costs nothing for a release without migrations."""
    began = ctx.clock()
    blank = request.blank(began)
    why = _untouched(request)
    if why:
        safe = CompatibilityTest(SAFE, (why,))
        return dataclasses.replace(blank, old_code=safe, new_code=safe)
    from shipway.actions.proofs.session import ProofSession  # not at the top: most deployments prove nothing
    from shipway.proving.sandbox import open_sandbox

    old, new = request.old, request.release
    what = f"{request.environment.name}: release {old.number} → {new.number or 'this one'}, on a copy of its database"
    with ctx.part("prove", what), open_sandbox(ctx, new.app) as at:
        proof = ProofSession(at, request, began).run(blank)
    return dataclasses.replace(proof, seconds=ctx.clock() - began)


def _migrated_before(request: ProofRequest) -> bool:
    """Whether the previous release has the same database."""
    old, new = request.old.migrated, request.release.migrated
    return old is not None and new is not None and (old.name, old.file) == (new.name, new.file)


def _untouched(request: ProofRequest) -> str:
    """Why there is nothing to prove; empty if there is."""
    database = request.release.plan.database
    if database is None or not _migrated_before(request):
        return f"release {request.old.number} has no database with migrations"
    if request.current_revision == request.release.schema:
        return "the release has no new migrations"
    if request.ahead and request.release.schema == request.old.schema:
        return (
            "the release has no new migrations: it has the schema of the running release, which works on the newer one"
        )
    return ""
