"""Where a registry keeps what is signed of a release's images."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.domain.provenance import split
from shipway.domain.release import CHECK, Release
from shipway.ports import Registry


def places(registry: Registry, release: Release) -> Mapping[str, str]:
    """By image: the repository beside it; of an image that the team doesn't build, the one of the service in the team's own
    registry, since others' can't be written to."""
    own = {name: registry.repository(release.app, name.replace(CHECK, "check-")) for name in release.images}
    ours = set(own.values())
    found: dict[str, str] = {}
    for name, image in release.images.items():
        repository = split(image)[0]
        found.setdefault(image, repository if repository in ours else own[name])
    return found


def built(registry: Registry, release: Release) -> set[str]:
    """The images that the team builds."""
    return {image for image, place in places(registry, release).items() if split(image)[0] == place}
