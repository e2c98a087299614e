"""Images: on an engine, and in a registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.domain.build import Builder, BuildExtras
    from shipway.domain.image import ImageInfo, Layer
    from shipway.domain.provenance import Attached

OnLine = Callable[[str], None]  # takes one line of output, without its line end


class Images(Protocol):
    """Images on one engine. Raises EngineError; RegistryError from pull and push."""

    def inspect(self, reference: str) -> Mapping[str, object] | None:
        """The engine's own record of an image (`Id`, `Config.WorkingDir`, `RepoDigests` …), None if it is missing."""

    def build(
        self,
        context: Path,
        *,
        tags: Sequence[str],
        dockerfile: str,
        target: str | None,
        args: Mapping[str, str],
        labels: Mapping[str, str],
        on_line: OnLine,
        extras: BuildExtras | None = None,
    ) -> str:
        """Build with BuildKit and return the image id; if `extras.pushes`, push it under its only tag and return the
        digest there. StepFailed with the last lines on failure; EngineError if the docker client can't build this."""  # fmt: skip

    def builder(self) -> Builder:
        """What this machine can build. EngineError if it can't build at all."""

    def tag(self, image: str, repository: str, tag: str) -> None:
        """Name a local image."""

    def push(self, repository: str, tag: str, on_line: OnLine) -> str:
        """Push repository:tag and return its digest (sha256:…)."""

    def pull(self, reference: str, on_line: OnLine) -> None:
        """Pull name:tag or repository@digest if it is missing."""

    def list(self) -> list[ImageInfo]:
        """All images, including unnamed ones."""

    def remove(self, name: str) -> bool:
        """Remove this name (tag or digest) from its image; the last name removes the image, unless a container, running
        or not, uses it: then nothing changes, and it returns False. A missing name is no error."""


class Registry(Protocol):
    """Where images are stored. Raises RegistryError."""

    def ensure(self) -> None:
        """Check that it answers and accepts the credentials; starts the embedded registry if needed."""

    def repository(self, app: str, image: str) -> str:
        """Full repository name such as 127.0.0.1:5055/catalogue/backend."""

    def digest(self, repository: str, reference: str) -> str | None:
        """Digest of a tag or digest in the registry; None if it is missing."""

    def tag(self, repository: str, digest: str, tag: str) -> None:
        """Add a tag to an existing digest, without moving layers."""

    def layers(self, repository: str, digest: str) -> Sequence[Layer]:
        """Layers of an image, lowest first (for several platforms: of the first for Linux); empty if it is missing."""

    def attach(self, repository: str, tag: str, parts: Sequence[Attached]) -> None:
        """Keep these parts, in their order, under a tag of the repository; they replace what was there."""

    def attached(self, repository: str, tag: str) -> Sequence[Attached]:
        """The parts under a tag, whose contents have the digests that the registry names; empty without the tag."""
