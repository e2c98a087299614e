"""An environment that requires signatures, and what is beside its images in the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.provenance.keys import create_key
from shipway.actions.provenance.sign import complete
from shipway.context import Context
from shipway.domain.errors import GateRefused, RegistryError
from shipway.domain.gating import Requirements
from shipway.domain.provenance import Attached, ImageBuild, split
from shipway.domain.release import Release
from shipway.system.attestation import tag_of
from shipway.testing.memory_sbom import MemorySbom
from tests.unit.domain.samples import STAGING
from tests.unit.world import World

EFFECTS = ("create", "start", "stop", "remove", "connect", "rename")
SIGNED = replace(STAGING, require=Requirements(signed=True))


class Signing(World):
    """Its registry is the one of the samples' images, and staging accepts only signed ones."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.registry = self.images.registry
        self.registry.address = "registry"
        self.sbom = MemorySbom()
        self.made = {0: create_key(self.own(), "shop")}

    def own(self) -> Context:
        return replace(self.controller(), sbom=lambda: self.sbom)

    def built(self, number: int = 1, *, signed: bool = True, required: bool = True) -> Release:
        """A release as a run leaves it."""
        found = self.release(number, environment=SIGNED if required else STAGING)
        for image in found.images.values():
            self.ledger.add_image_build(record(image))
        if signed:
            complete(self.own(), found)
        return found

    def deploy(self, release: Release) -> None:
        environment = release.plan.environments["staging"]
        deploy(self.own(), DeployRequest(release, environment))

    def refused(self, release: Release, why: str) -> str:
        """Nothing is touched."""
        before, touched = self.state(), len(self.runtime.calls)
        with pytest.raises(GateRefused, match=why) as caught:
            self.deploy(release)
        after = self.state()
        assert after == before
        assert not [call for call in self.runtime.calls[touched:] if call.split()[0] in EFFECTS]
        assert f"shipway signing sign r{release.number}" in caught.value.hint
        return caught.value.message

    def away(self, method: str, why: str) -> None:
        """From now on the registry fails."""
        for at in range(1, 100):
            self.registry.fail(method, at=at, error=RegistryError(why))

    def change(self, image: str, end: str, work: Callable[[Attached], Attached | None]) -> None:
        """What the registry has beside an image, as somebody leaves it who may write there."""
        repository, digest = split(image)
        where = (repository, tag_of(digest, end))
        self.registry.parts[where] = tuple(part for item in self.registry.parts[where] if (part := work(item)))


def record(image: str) -> ImageBuild:
    return ImageBuild(
        "shop", image, 7, "web", "https://git.example/shop", "a" * 40, "refs/heads/main", "protected", "sha256:3", "web",
        "Dockerfile", "", ("TOKEN",), (), 1.0, 2.0,
    )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Signing:
    return Signing(tmp_path)
