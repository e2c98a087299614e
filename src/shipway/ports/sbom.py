"""Software bills of materials."""

from __future__ import annotations

from typing import Protocol


class SbomTool(Protocol):
    """A program that lists the software of images on this machine's engine. Raises SbomError if it can't: a run goes on
    without it. Several images may be scanned at once."""

    def tool(self) -> str:
        """Its name and version."""

    def scan(self, image: str) -> str:
        """The CycloneDX document, as JSON, of an image that is on the engine."""
