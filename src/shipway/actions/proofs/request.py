"""What a rollback proof is about."""

from __future__ import annotations

from shipway.context import Context
from shipway.domain import history
from shipway.domain.plan import Environment
from shipway.domain.proof import Proof, images_digest
from shipway.domain.release import Deployment, Release
from shipway.domain.schema_history import ahead, schema_revisions
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class ProofRequest:
    """What to prove: the upgrade from an environment's current release, and the rollback."""

    release: Release
    environment: Environment
    previous: Deployment  # of the current release
    old: Release  # the current release
    current_revision: str | None  # the schema's current revision
    ahead: bool  # a rollback kept it, newer than the running code's
    mode: str  # schema, data or rows
    traffic: bool = True  # also measure who waits while the up migrations run; a warning, whatever the result is

    def blank(self, at: float) -> Proof:
        """An empty proof of it."""
        return Proof(
            app=self.release.app, environment=self.environment.name, release=self.release.number,
            digest=images_digest(self.release), before=self.old.number, before_digest=images_digest(self.old),
            schema_before=self.current_revision, schema_after=self.release.schema, mode=self.mode, at=at, seconds=0.0,
        )  # fmt: skip


def proof_request(
    ctx: Context, release: Release, environment: Environment, mode: str | None = None
) -> ProofRequest | None:
    """The question, from the ledger; None if nothing runs there."""
    deployments = ctx.ledger.history(release.app, environment.name)
    previous = history.current(deployments)
    old = ctx.ledger.release(release.app, previous.release) if previous else None
    if previous is None or old is None:
        return None
    revisions = schema_revisions(deployments)
    return ProofRequest(
        release, environment, previous, old, revisions[-1].schema if revisions else None, ahead(deployments, old) is not None,
        mode or release.plan.prove.mode,
    )  # fmt: skip
