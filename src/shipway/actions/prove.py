"""Prove a release's way back: from what an environment runs to the release, and back, on a copy of its database."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from shipway.actions.way_back import PROOF, proofs
from shipway.actions.which_release import which_release
from shipway.context import Context, environment_of
from shipway.domain import rollback as back
from shipway.domain.errors import UsageError
from shipway.domain.levels import ahead, levels
from shipway.domain.plan import Environment, Plan
from shipway.domain.proof import SAFE, Proof, Trial, images_digest
from shipway.domain.record import to_data
from shipway.domain.release import Deployment, Evidence, Release


@dataclass(frozen=True)
class Question:
    """What is to be proven: the way from what an environment runs to a release."""

    release: Release
    environment: Environment
    previous: Deployment  # of what runs
    old: Release  # and that itself
    stands: str | None  # the schema's revision
    ahead: bool  # a rollback by code alone has left it there, above the code that runs
    mode: str  # schema, data or rows

    def blank(self, at: float) -> Proof:
        """A proof of it, with nothing in it yet."""
        return Proof(
            app=self.release.app, environment=self.environment.name, release=self.release.number,
            digest=images_digest(self.release), before=self.old.number, before_digest=images_digest(self.old),
            schema_before=self.stands, schema_after=self.release.schema, mode=self.mode, at=at, seconds=0.0,
        )  # fmt: skip


def prove(
    ctx: Context, release: Release, environment: Environment, *, mode: str | None = None, again: bool = False
) -> Proof | None:
    """The proof, as it was recorded or walked now. None where nothing runs there: nothing can be gone back to.

    ProofError where it can't be carried out.
    """
    question = ask(ctx, release, environment, mode)
    if question is None:
        return None
    known = None if again else recorded(ctx, question)
    if known is not None:
        return known
    proof = walked(ctx, question)
    if release.number:
        record(ctx, proof)
    return proof


def find_release(ctx: Context, app: str, which: str | None) -> Release:
    """By a revision of the repository, a version tag or a number; None: the newest. UsageError where there is none."""
    if which is None:
        found = ctx.ledger.releases(app, limit=1)
    else:
        found = [item for item in [which_release(ctx, app, which, revisions=True)] if item]
    if not found:
        raise UsageError(f"{app} has no release{f' of {which}' if which else ''}", hint="`shipway run` builds one")
    return found[0]


def find_environment(plan: Plan, name: str | None) -> Environment:
    """By its name; None: the one that asks for proofs, else the last."""
    if name is None:
        asking = [item.name for item in plan.environments.values() if plan.asks_for_proof(item)] or list(plan.environments)
        name = asking[-1] if asking else ""
    return environment_of(plan, name)


def ask(ctx: Context, release: Release, environment: Environment, mode: str | None = None) -> Question | None:
    """The question, by the ledger; None where nothing runs there."""
    history = ctx.ledger.history(release.app, environment.name)
    previous = back.current(history)
    old = ctx.ledger.release(release.app, previous.release) if previous else None
    if previous is None or old is None:
        return None
    stands = levels(history)
    return Question(
        release, environment, previous, old, stands[-1].schema if stands else None, ahead(history, old) is not None,
        mode or release.plan.prove.mode,
    )  # fmt: skip


def recorded(ctx: Context, question: Question) -> Proof | None:
    """The newest proof of this very question: between the same images, from the same schema, filled in the same way."""
    blank = question.blank(0.0)
    for proof in proofs(ctx, blank.app, blank.environment, blank.release):
        same = ("digest", "before_digest", "schema_before", "mode")  # from which follows what is applied
        if all(getattr(proof, name) == getattr(blank, name) for name in same):
            return proof
    return None


def record(ctx: Context, proof: Proof) -> None:
    """In the ledger, as evidence of its release."""
    detail = json.dumps(to_data(proof), ensure_ascii=False)
    ctx.ledger.add_evidence(Evidence(proof.app, proof.release, proof.environment, PROOF, proof.mode, proof.leads_back, detail, ctx.clock()))


def walked(ctx: Context, question: Question) -> Proof:
    """Walk it. A release that brings no migration costs nothing."""
    began = ctx.clock()
    blank = question.blank(began)
    why = _untouched(question)
    if why:
        trial = Trial(SAFE, (why,))
        return dataclasses.replace(blank, old_code=trial, new_code=trial)
    from shipway.actions.proof_walk import ProofWalk  # not at the top: most deployments walk nothing
    from shipway.proving.ground import ground

    old, new = question.old, question.release
    what = f"{question.environment.name}: release {old.number} → {new.number or 'this one'}, on a copy of its database"
    with ctx.part("prove", what), ground(ctx, new.app) as at:
        proof = ProofWalk(at, question, began).run(blank)
    return dataclasses.replace(proof, seconds=ctx.clock() - began)


def _untouched(question: Question) -> str:
    """Why there is nothing to walk; empty where there is."""
    database = question.release.plan.database
    if database is None or database.accessory not in question.old.plan.accessories:
        return f"release {question.old.number} has no such database"
    if question.stands == question.release.schema:
        return "the release brings no migration"
    if question.ahead and question.release.schema == question.old.schema:
        return "the release brings no migration: its schema is the one of the release that runs, which works on the newer one"
    return ""
