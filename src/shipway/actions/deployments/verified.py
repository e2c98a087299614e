"""A host runs exactly the images that were verified."""

from __future__ import annotations

from collections.abc import Iterable

from shipway.actions.provenance.gate import require_signed, require_trusted
from shipway.context import Context
from shipway.domain.change import Change
from shipway.domain.errors import DeployFailed
from shipway.domain.provenance import short, split
from shipway.domain.release import DEPLOY, ROLLBACK, Release
from shipway.domain.rules import InForce


def verified_images(
    ctx: Context, release: Release, name: str, kind: str, in_force: InForce | None
) -> frozenset[str]:  # fmt: skip
    """Those whose digests are verified; GateRefused if one must be and isn't. A restart changes no image."""
    environment = release.plan.environments[name]
    if kind == DEPLOY:
        return require_signed(ctx, release, environment, in_force)
    if kind != ROLLBACK:
        return frozenset()
    current = ctx.ledger.current(release.app, name)
    running = ctx.ledger.release(release.app, current.release) if current else None
    return require_trusted(ctx, release, environment, running.plan.environments.get(name) if running else None)


def require_same(ctx: Context, verified: frozenset[str], created: Iterable[Change]) -> None:
    """Of the images of new containers that were verified: DeployFailed if a host has something else by this name. An engine that pulled by a digest
    knows the image by it; one that was loaded or built there in another way is not."""
    for image in sorted({change.spec.image for change in created if change.spec} & verified):
        found = ctx.images.inspect(image) or {}
        digests = found.get("RepoDigests")
        known = {split(str(item))[1] for item in digests} if isinstance(digests, list) else set()
        if split(image)[1] not in known:
            raise DeployFailed(
                f"{short(image)} was verified, but this host has another image by that name",
                hint="remove it there, so that it is pulled again; and find out how it came there",
            )
