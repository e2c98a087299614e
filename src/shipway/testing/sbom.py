"""The conformance suite of SbomTool. A driver's tests subclass SbomContract and provide a `lab`."""

from __future__ import annotations

import json
import re
from typing import Protocol

import pytest

from shipway.domain.errors import SbomError
from shipway.domain.packages import packages_of
from shipway.ports import SbomTool


class SbomLab(Protocol):
    """A tool, and an image of its engine in which it finds a package."""

    @property
    def tool(self) -> SbomTool: ...

    @property
    def image(self) -> str: ...

    @property
    def package(self) -> str: ...


class SbomContract:
    """Runs on the real programs, and on the one in memory."""

    def test_its_name_and_version(self, lab: SbomLab) -> None:
        assert re.fullmatch(r"[a-z]+ [0-9][0-9a-z.-]*", lab.tool.tool())

    def test_packages_of_an_image(self, lab: SbomLab) -> None:
        document = lab.tool.scan(lab.image)
        assert json.loads(document)["bomFormat"] == "CycloneDX"
        found = {item.name: item for item in packages_of(document)}
        assert found[lab.package].version
        assert found[lab.package].purl.startswith("pkg:")

    def test_an_image_that_is_not_there(self, lab: SbomLab) -> None:
        with pytest.raises(SbomError):
            lab.tool.scan("shipway.invalid/nothing@sha256:" + "0" * 64)
