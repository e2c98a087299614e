"""Repositories of many kinds: `init`, the commands that it prints, and the first deployment, with few edited lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.first_deployment import Deployable, Newcomer, deployables

pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.timeout(1200)]

USUAL = ("static",)
MOST = 5  # edited lines
SAMPLES = [
    pytest.param(sample, id=sample.name, marks=[] if sample.name in USUAL else pytest.mark.full)
    for sample in deployables()
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_first_deployment(sample: Deployable, tmp_path: Path) -> None:
    newcomer = Newcomer(tmp_path / "project", sample)
    try:
        newcomer.create()
        found = newcomer.deploy()
        print(f"{sample.name}: {found.changed} lines edited, {found.seconds:.1f} s")
        assert found.answers == {}
        assert found.changed <= (0 if "compose" in sample.name else MOST), found.edited
        assert newcomer.good() == [("staging", "deploy", 1)]
    finally:
        newcomer.destroy()
