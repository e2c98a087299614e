"""Recorded proofs of a release, for display."""

from __future__ import annotations

import json
from collections.abc import Sequence

from shipway.actions.proofs.rollback_plan import PROOF
from shipway.context import Context
from shipway.domain.proof import Proof, images_digest
from shipway.domain.record import from_data
from shipway.domain.release import Evidence, Release
from shipway.domain.rollback_plan import finding
from shipway.domain.value import dataclass
from shipway.proving.report.follows import what_follows


@dataclass(frozen=True)
class ProofSummary:
    """A proof in short."""

    environment: str
    at: float
    mode: str
    rollback: str  # label of the rollback plan
    verdict: str  # of the down migrations and the old code

    def __str__(self) -> str:
        return f"{self.rollback} ({self.verdict})"


def recorded_proofs(ctx: Context, release: Release, environment: str | None = None) -> list[Proof]:
    """Proofs of exactly this release's images, newest first; None: in all environments. A redeployment, which has
    nothing to prove, is left out."""
    return _proofs(ctx.ledger.evidence(release.app, release.number), release, environment)


def summary(proof: Proof) -> ProofSummary:
    """Summarize it."""
    return ProofSummary(proof.environment, proof.at, proof.mode, what_follows(proof).title, finding(proof))


def newest(ctx: Context, release: Release, environment: str) -> ProofSummary | None:
    """The newest proof in an environment; None without one."""
    found = recorded_proofs(ctx, release, environment)
    return summary(found[0]) if found else None


def note_proofs(ctx: Context, release: Release) -> None:
    """Report the newest proof in each environment that has one."""
    shown: set[str] = set()
    for proof in recorded_proofs(ctx, release):
        if proof.environment not in shown:
            shown.add(proof.environment)
            ctx.reporter.note(
                f"rollback proof for {proof.environment}: {summary(proof)}; report: "
                f"shipway proof r{release.number} --env {proof.environment}"
            )


def _proofs(evidence: Sequence[Evidence], release: Release, environment: str | None) -> list[Proof]:
    digest = images_digest(release)
    found = (
        from_data(Proof, json.loads(item.detail))
        for item in reversed(evidence)
        if item.kind == PROOF and environment in (None, item.environment)
    )
    return [proof for proof in found if proof.digest == digest and proof.before != proof.release]
