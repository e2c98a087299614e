"""Where images come from: the team's signing keys, how an image was built, its bill of materials and its signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from shipway.domain.value import dataclass

SIGNATURE, PROVENANCE, SBOM = "signature", "provenance", "SBOM"  # what is signed of an image


@dataclass(frozen=True)
class SigningKey:
    """A key of a team. Its private part, if this ledger has it, is one of the ledger's secrets."""

    app: str
    id: str  # digest of the public part
    public: str  # PEM
    actor: str
    at: float
    revoked: float | None = None
    reason: str = ""  # why it was revoked

    @property
    def valid(self) -> bool:
        """Whether signatures by it count."""
        return self.revoked is None


@dataclass(frozen=True)
class Base:
    """An image that another one was built on, as the builder named it."""

    name: str
    digest: str = ""  # "": the builder had it on its engine only, and under no digest


@dataclass(frozen=True)
class ImageBuild:
    """How an image was built, as the controller saw it."""

    app: str
    image: str  # repository@sha256:…
    run: int
    service: str
    source: str  # address of the repository; "": none is known
    revision: str
    ref: str
    level: str  # of trust, see steps.run
    plan: str  # digest of the plan
    folder: str
    dockerfile: str
    target: str
    arguments: tuple[str, ...]  # names of build arguments; never values
    bases: tuple[Base, ...]
    started: float
    finished: float
    version: str = ""  # of Shipway


@dataclass(frozen=True)
class ImageSbom:
    """The software that an image has."""

    app: str
    image: str
    tool: str  # its name and version
    document: str  # CycloneDX, as JSON
    at: float


@dataclass(frozen=True)
class ImageSignature:
    """A signature over an image, or over a statement about it: enough to verify it again without a registry."""

    app: str
    image: str
    kind: str  # SIGNATURE, PROVENANCE, SBOM
    key: str  # id of the key
    payload: str  # of an SBOM only its digest, since the registry has it
    signature: str
    at: float


@dataclass(frozen=True)
class Attached:
    """A part of what a registry keeps beside an image."""

    kind: str  # media type
    content: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)


def split(image: str) -> tuple[str, str]:
    """Repository and digest of a reference; the digest is "" without one, as of an image that is in no registry."""
    repository, _, digest = image.partition("@")
    return repository, digest


def short(image: str) -> str:
    """For messages."""
    repository, digest = split(image)
    return f"{repository}@{digest[:19]}" if digest else image
