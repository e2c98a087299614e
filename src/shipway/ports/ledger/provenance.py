"""Keys that sign images, and where images come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.provenance import ImageBuild, ImageSbom, ImageSignature, SigningKey


class ProvenanceLedger(Protocol):
    """All of it is appended. Raises StoreError."""

    def add_signing_key(self, key: SigningKey) -> bool:
        """False: the app has it already, valid or revoked."""

    def revoke_signing_key(self, app: str, key: str, actor: str, at: float, reason: str) -> bool:
        """For ever. False: the app has no such key, or it was revoked before."""

    def signing_keys(self, app: str) -> list[SigningKey]:
        """Oldest first, also those that were revoked."""

    def add_image_build(self, build: ImageBuild) -> None: ...
    def image_builds(self, app: str, images: Iterable[str]) -> Mapping[str, ImageBuild]:
        """By image: how it was built first. Those of which nothing is known are missing."""

    def add_image_sbom(self, sbom: ImageSbom) -> None: ...
    def image_sboms(self, app: str, images: Iterable[str]) -> Mapping[str, ImageSbom]:
        """The newest, by image."""

    def add_image_signature(self, signature: ImageSignature) -> None: ...
    def image_signatures(self, app: str, images: Iterable[str]) -> Sequence[ImageSignature]:
        """Oldest first."""
