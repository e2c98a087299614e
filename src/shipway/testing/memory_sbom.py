"""An SbomTool in memory."""

from __future__ import annotations

import json

from shipway.domain.errors import SbomError
from shipway.testing.memory_calls import Recorder


class MemorySbom(Recorder):
    """`packages`: by image, or for all others under "": names and versions of what it finds. `missing`: images that its engine
    doesn't have."""

    def __init__(self, packages: dict[str, dict[str, str]] | None = None) -> None:
        super().__init__()
        self.packages = packages or {"": {"openssl": "3.0.1"}}
        self.missing: set[str] = set()

    def tool(self) -> str:
        with self._call("tool"):
            return "memory 1"

    def scan(self, image: str) -> str:
        with self._call("scan", image):
            if image in self.missing:
                raise SbomError(f"there is no image {image}")
            listed = self.packages.get(image, self.packages.get("", {}))
            components = [
                {"type": "library", "name": name, "version": version, "purl": f"pkg:deb/debian/{name}@{version}"}
                for name, version in listed.items()
            ]
            return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components})
