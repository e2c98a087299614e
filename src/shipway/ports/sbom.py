"""Software bills of materials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class SbomTool(Protocol):
    """A program that lists the software of images. Raises SbomError if it can't: a run goes on without it."""

    def tool(self) -> str:
        """Its name and version."""

    def scan(self, image: str, connection: Mapping[str, str]) -> str:
        """The CycloneDX document, as JSON, of an image by its reference on an engine; connection: variables that select the
        engine. Several images may be scanned at once."""
