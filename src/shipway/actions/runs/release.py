"""Create a release from a run that passed, and find a revision's release."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from shipway.actions.environment.jobs import head_revision
from shipway.actions.proofs.prove import record
from shipway.actions.proofs.rollback_plan import proofs
from shipway.actions.runs.config_files import config_files
from shipway.domain.errors import RegistryError
from shipway.domain.image import by_digest
from shipway.domain.proof import Proof
from shipway.domain.record import from_data
from shipway.domain.release import Evidence, Release
from shipway.domain.run import StepResult
from shipway.steps.run import Run


def make_release(run: Run, results: Mapping[str, StepResult]) -> Release:
    """The release of this run; an existing one with the same tree, images and plan is reused."""
    images = {name: reference for result in results.values() for name, reference in result.images.items()}
    release = _known(run, pinned(run, images))
    if release is not None:
        _keep_proofs(run, release, results)
        return release
    release = run.ctx.ledger.add_release(draft_release(run, images))
    _keep_proofs(run, release, results)
    for name, result in results.items():
        if result.tests:
            evidence = Evidence(run.plan.app, release.number, "", "tests", name, True, result.tests, run.ctx.clock())
            run.ctx.ledger.add_evidence(evidence)
    return release


def draft_release(run: Run, built: Mapping[str, str]) -> Release:
    """The release that the run would create from these images; without a number, and not in the ledger."""
    images = pinned(run, built)
    return Release(
        number=0, app=run.plan.app, revision=run.commit.revision, tree=run.commit.tree,
        authors=(), subject=run.commit.subject,
        images=images, plan=run.plan, run=run.number, created=run.ctx.clock(), schema=_schema(run, images),
        files=config_files(run.repository, run.commit.revision, run.plan),
    )  # fmt: skip


def _known(run: Run, images: Mapping[str, str]) -> Release | None:
    for known in run.ctx.ledger.releases_of(run.plan.app, run.commit.tree):
        if dict(known.images) == images and known.plan == run.plan:  # and so are its files: the tree is the same
            return known
    return None


def _keep_proofs(run: Run, release: Release, results: Mapping[str, StepResult]) -> None:
    """Attach proofs of its images by steps to it."""
    for data in (result.proof for result in results.values() if result.proof):
        proof = dataclasses.replace(from_data(Proof, data), release=release.number)
        if proof not in proofs(run.ctx, run.plan.app, proof.environment, release.number):
            record(run.ctx, proof)


def pinned(run: Run, built: Mapping[str, str]) -> dict[str, str]:
    """The digests of the built images, and of those that the team doesn't build."""
    images = dict(built)
    for service in run.plan.services.values():
        if service.image:
            images[service.name] = _pinned(run, service.image)
    return dict(sorted(images.items()))


def _pinned(run: Run, image: str) -> str:
    """An image that the team doesn't build, by its digest."""
    run.ctx.images.pull(image, lambda line: None)
    found = run.ctx.images.inspect(image) or {}
    if name := by_digest(image, found.get("RepoDigests")):
        return name
    if "Id" in found:
        return str(found["Id"])  # created on this engine and never pushed: its id is as exact as a digest
    raise RegistryError(f"{image} can't be pinned to a digest", hint="check the image's name in the plan")


def _schema(run: Run, images: Mapping[str, str]) -> str | None:
    """Querying the tool costs a container; releases with the same image have the same schema."""
    if run.plan.database is None:
        return None
    service = run.plan.database.service
    for known in run.ctx.ledger.releases(run.plan.app):  # older ones cost a container
        if known.images.get(service) == images[service] and known.plan.database == run.plan.database:
            return known.schema
    return head_revision(run.ctx, run.plan, images, run.labels("job", "schema"))
