"""The step that proves the rollback from the images that its run built. The result belongs to the run's release;
whether that may be deployed somewhere is the environment's own rule."""

from __future__ import annotations

from shipway.actions.proofs.prove import prove
from shipway.actions.proofs.request import proof_request
from shipway.actions.runs.release import draft_release, pinned
from shipway.domain.plan import Step
from shipway.domain.proof import images_digest
from shipway.domain.record import to_data
from shipway.domain.release import digest_of
from shipway.domain.run import StepResult
from shipway.steps.run import Attempt, Inputs, Run


def proof_key(run: Run, step: Step, inputs: Inputs) -> str:
    """Digest over the images, the environment's current release, and all parts of the plan that the proof uses: it must
    not skip scenarios that another commit removed."""
    assert step.prove is not None
    plan, where = run.plan, run.plan.environments[step.prove]
    by = to_data(
        [
            plan.prove,
            [*plan.services.values()],
            [*plan.accessories.values()],
            plan.database,
            where.environment,
            where.seed,
        ]
    )
    question = proof_request(run.ctx, draft_release(run, inputs.images), where)
    if question is None:
        return digest_of({"images": pinned(run, inputs.images), "environment": step.prove, "before": None, "by": by})
    before = [images_digest(question.old), question.previous.schema]
    return digest_of(
        {
            "images": dict(question.release.images),
            "environment": step.prove,
            "before": before,
            "mode": question.mode,
            "by": by,
        }
    )


def prove_images(run: Run, attempt: Attempt) -> StepResult:
    """Run the proof. ProofError if that isn't possible."""
    assert attempt.step.prove is not None
    environment = run.plan.environments[attempt.step.prove]
    proof = prove(run.ctx, draft_release(run, attempt.inputs.images), environment)
    if proof is None:
        attempt.log.line(f"nothing runs in {environment.name} yet: there is no rollback target")
        return StepResult()
    from shipway.proving.report.terminal import lines

    for line in lines(proof):
        attempt.log.line(line)
    return StepResult(proof=to_data(proof))
