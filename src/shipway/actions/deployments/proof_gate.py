"""The gate of an environment that only accepts releases with a rollback proof."""

from __future__ import annotations

from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.recover import exclusive_access
from shipway.actions.proofs.prove import prove, recorded
from shipway.actions.proofs.request import proof_request
from shipway.actions.proofs.waive import waiver_of
from shipway.context import Context
from shipway.domain.errors import GateRefused, NotProven
from shipway.domain.proof import Proof
from shipway.domain.release import DEPLOY
from shipway.domain.rules import asks_for_proof
from shipway.system.durations import timestamp


def require_proof(ctx: Context, order: DeployRequest) -> None:
    """Run missing proofs, without the environment's lock. GateRefused if the rollback is not proven."""
    if not _asks(order):
        return
    app, environment = order.release.app, order.environment
    if ctx.ledger.pending(app, environment.name):
        with exclusive_access(ctx, app, environment.name, "unfinished work before a proof", wait=order.wait):
            pass  # recover the work of a dead process: else the copy would include its migrations
    proof = prove(ctx, order.release, environment, traffic=False)  # a deployment waits for it: only what decides
    if proof is None or proof.leads_back:
        return
    waiver = waiver_of(ctx, proof)
    if waiver is not None:
        ctx.reporter.note(
            f"{waiver.finding}: waived by {waiver.actor} until {timestamp(waiver.expires)}: {waiver.reason}"
        )
        return
    listed = "\n".join(f"  - {reason}" for reason in refusals(proof))
    raise GateRefused(
        f"{environment.name} rejects release {order.release.number}, since its proof found no rollback path:\n{listed}",
        hint=f"fix the down migrations or the release (full report: shipway prove r{order.release.number} --env "
        f"{environment.name}), or waive the result: shipway waive r{order.release.number} --env {environment.name} --reason TEXT",
    )


def still_proven(ctx: Context, order: DeployRequest) -> None:
    """Under the lock: GateRefused if another deployment came between."""
    if _asks(order):
        request = proof_request(ctx, order.release, order.environment)
        if request is not None and recorded(ctx, request) is None:
            raise GateRefused(
                f"another release was deployed to {order.environment.name} in the meantime: the rollback to it was not tested",
                hint="retry the deployment",
            )


def require_rollback_plan(ctx: Context, proof: Proof) -> None:
    """NotProven if it shows no rollback and there is no waiver."""
    if not proof.leads_back and waiver_of(ctx, proof) is None:
        listed = "\n".join(f"  - {reason}" for reason in refusals(proof))
        raise NotProven(
            f"the proof found no rollback path from release {proof.release} in {proof.environment}:\n{listed}"
        )


def refusals(proof: Proof) -> list[str]:
    """Why the proof shows no rollback."""
    assert proof.way is not None
    down, code = proof.way, proof.old_code
    return [
        f"down migrations: {down.verdict}" + "".join(f"; {reason}" for reason in down.reasons[:3]),
        f"release {proof.before} on the new schema: {code.verdict}"
        + "".join(f"; {reason}" for reason in code.reasons[:3]),
    ]


def _asks(order: DeployRequest) -> bool:
    return order.kind == DEPLOY and asks_for_proof(order.release.plan, order.environment, order.in_force)
