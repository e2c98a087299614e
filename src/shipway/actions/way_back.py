"""Find the way back: what the ledger holds of an environment, put before `domain.way_back`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from shipway.actions.accept import accepted
from shipway.context import Context
from shipway.domain import rollback as back
from shipway.domain import way_back as domain
from shipway.domain.errors import NothingToRollBack
from shipway.domain.levels import levels, own_schema
from shipway.domain.plan import Environment
from shipway.domain.proof import Proof, Trial, images_digest
from shipway.domain.record import from_data
from shipway.domain.release import Deployment, Release
from shipway.system.durations import timestamp

PROOF = "proof"  # kind of evidence


def find_way(
    ctx: Context, history: Sequence[Deployment], target: Release, environment: Environment, way: str | None, reason: str
) -> domain.WayBack:
    """From where the environment's schema stands to the target. way: what a person asks for, with a reason."""
    stands = levels(history)
    schema = stands[-1].schema if stands else None
    asked = question(ctx, history, target, environment)
    return domain.forced(asked, schema, way, reason) if way else domain.way_back(asked, schema)


def question(ctx: Context, history: Sequence[Deployment], target: Release, environment: Environment) -> domain.Back:
    """What lies between. NothingToRollBack where the schema never stood where the target needs it."""
    stands = levels(history)
    own = own_schema(history, target)
    if target.plan.database is None or not stands or own == stands[-1].schema:
        return domain.Back(target.number, ())
    known = [level.schema for level in stands]
    if own is not None and own not in known:
        raise NothingToRollBack(
            f"the schema stands at {known[-1]}, which isn't above {own}, the one of release {target.number}: that is no way back",
            hint=f"to bring its migrations: shipway deploy {environment.name} {target.revision[:12]}",
        )
    lowest = known.index(own) if own is not None else -1
    steps = []
    for index in range(len(stands) - 1, lowest, -1):
        before, level = known[index - 1] if index else None, stands[index]
        found = _proof_of_step(ctx, target.app, environment.name, level.release, before, level.schema)
        steps.append(domain.Step(level.release, before, level.schema, found, accepted(ctx, found) if found else None))
    return domain.Back(target.number, steps, _tried(ctx, history, target, environment), target.plan.asks_for_proof(environment))


def proofs(ctx: Context, app: str, environment: str, release: int) -> list[Proof]:
    """Of a release in an environment, the newest first."""
    found = [item for item in ctx.ledger.evidence(app, release) if (item.kind, item.environment) == (PROOF, environment)]
    return [from_data(Proof, json.loads(item.detail)) for item in reversed(found)]


def options(ctx: Context, target: Release, environment: Environment, history: Sequence[Deployment]) -> str:
    """What a person can do where there is no way back."""
    name = environment.name
    known = (item for item in ctx.ledger.snapshots(target.app, name) if item.schema == own_schema(history, target))
    usable = next(known, None)
    restoring = (
        f"  restore snapshot {usable.number} of {timestamp(usable.at)} ({usable.cause}), then roll back: what was written since "
        f"is lost, as `shipway restore {name} {usable.number}` says before it acts"
    ) if usable else "  restore a snapshot: there is none of that schema"  # fmt: skip
    return "\n".join([
        "what you can do:",
        f"  roll forward: repair it, and deploy; meanwhile `shipway maintenance on {name}` holds the traffic",
        restoring,
        f"  take what the proof found, in writing: shipway accept RELEASE --env {name} --reason TEXT",
        f"  insist: shipway rollback {name} --reason TEXT with --code-only, or with --force-down (the down scripts, whatever they do)",
    ])  # fmt: skip


def _proof_of_step(ctx: Context, app: str, environment: str, number: int, before: str | None, after: str) -> Proof | None:
    release = ctx.ledger.release(app, number)
    digest = images_digest(release) if release else ""
    fitting = (
        proof for proof in proofs(ctx, app, environment, number)
        if (proof.digest, proof.schema_before, proof.schema_after) == (digest, before, after)
    )  # fmt: skip
    return next(fitting, None)


def _tried(ctx: Context, history: Sequence[Deployment], target: Release, environment: Environment) -> dict[str, Trial]:
    """The target's images as the old code of other releases' proofs, by the schema that it was tried on; the newest count."""
    digest, found = images_digest(target), dict[str, tuple[float, Trial]]()
    for proof in _all_proofs(ctx, history, environment):
        schema = proof.schema_after
        if proof.before_digest == digest and schema is not None and proof.at >= found.get(schema, (0.0, None))[0]:
            found[schema] = (proof.at, proof.old_code)
    return {schema: trial for schema, (_, trial) in found.items()}


def _all_proofs(ctx: Context, history: Sequence[Deployment], environment: Environment) -> Iterator[Proof]:
    for number in dict.fromkeys(item.release for item in back.standing(history)):
        for proof in proofs(ctx, history[0].app, environment.name, number):
            release = ctx.ledger.release(proof.app, number)
            if release is not None and proof.digest == images_digest(release):
                yield proof
