"""The packages of a release's images, and what differs between two releases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shipway.context import Context
from shipway.domain.errors import SbomError, UsageError, unknown_name
from shipway.domain.packages import Package, PackageChanges, compared, packages_of, spdx
from shipway.domain.provenance import ImageSbom, split
from shipway.domain.release import Release
from shipway.domain.value import dataclass


@dataclass(frozen=True)
class ImagePackages:
    """The packages of one image of a release."""

    services: tuple[str, ...]  # that run it; check:NAME of a check
    image: str
    tool: str  # what listed them; "": nothing is known of this image
    packages: tuple[Package, ...] = ()


@dataclass(frozen=True)
class ServiceChanges:
    """What differs between the images of the same services."""

    services: tuple[str, ...]
    changes: PackageChanges
    problem: str = ""  # why it isn't known


def packages_in(ctx: Context, release: Release, service: str | None = None) -> list[ImagePackages]:
    """By image, or of one service's. UsageError if there is no such service."""
    images = _by_image(release, service)
    known = ctx.ledger.image_sboms(release.app, images)
    return [
        ImagePackages(services, image, known[image].tool, packages_of(known[image].document))
        if image in known
        else ImagePackages(services, image, "")
        for image, services in images.items()
    ]


def package_changes(
    ctx: Context, before: Release, after: Release, service: str | None = None
) -> list[ServiceChanges]:  # fmt: skip
    """What the second release has in place of the first: services whose images are the same are left out."""
    images = {image for item in (before, after) for image in _by_image(item, None)}
    known = ctx.ledger.image_sboms(after.app, images)
    pairs: dict[tuple[str, str], list[str]] = {}
    for name in sorted({*before.images, *after.images} if service is None else {_service(after, service)}):
        pairs.setdefault((before.images.get(name, ""), after.images.get(name, "")), []).append(name)
    return [
        _changes(tuple(names), known, *pair) for pair, names in pairs.items() if pair[0] != pair[1]
    ]  # fmt: skip


def _changes(names: tuple[str, ...], known: Mapping[str, ImageSbom], before: str, after: str) -> ServiceChanges:
    unknown = [image for image in (before, after) if image and image not in known]
    if unknown:
        return ServiceChanges(names, PackageChanges(), f"no SBOM was made of {split(unknown[0])[1][:19] or unknown[0]}")
    sides = [packages_of(known[image].document) if image else () for image in (before, after)]
    return ServiceChanges(names, compared(*sides))


def document(ctx: Context, release: Release, service: str | None, form: str) -> Mapping[str, Any]:
    """The SBOM of one image in one of FORMS. SbomError if none was made; UsageError if several images are meant."""
    images = _by_image(release, service)
    if len(images) > 1:
        listed = ", ".join(names[0] for names in images.values())
        raise UsageError("an SBOM is of one image", hint=f"name a service: {listed}")
    image = next(iter(images), "")
    found = ctx.ledger.image_sboms(release.app, [image]).get(image)
    if found is None:
        raise no_sbom(release)
    data: Mapping[str, Any]
    if form == "cyclonedx":
        data = json.loads(found.document)
        return data
    created = datetime.fromtimestamp(found.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return spdx(image, found.document, created, found.tool.replace(" ", "-"))


def no_sbom(release: Release) -> SbomError:
    """The error if nothing is known of a release's images."""
    return SbomError(
        f"no SBOM was made of the images of release {release.number}",
        hint="install syft on the machine that runs the pipeline; then: "
        f"shipway run {release.revision[:12]}, which makes those that are missing",
    )


def _by_image(release: Release, service: str | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name in [_service(release, service)] if service else sorted(release.images):
        found.setdefault(release.images[name], []).append(name)
    return {image: tuple(names) for image, names in found.items()}


def _service(release: Release, service: str) -> str:
    if service not in release.images:
        raise unknown_name("service", service, sorted(release.images))
    return service
