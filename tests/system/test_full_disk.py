"""The disk of Shipway's home is full to the last byte: a rollback still works, and a deployment is refused with what to free."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.errors import DiskFull
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root only"),
]


@pytest.fixture
def small(make: Make, tmp_path: Path) -> Iterator[Tiny]:
    """A project whose home, with its temporary files, lies on a disk of 24 MB; release 2 serves there."""
    project = make(folder=tmp_path / "project")
    home = Path(project.env["SHIPWAY_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", home], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    project.env["TMPDIR"] = str(home / "tmp")
    (home / "tmp").mkdir()
    try:
        for name in ("one", "two"):
            project.change(name)
            project.shipway("run", "staging")
        yield project
    finally:
        fill(home).unlink()
        project.destroy()
        subprocess.run(["umount", "--lazy", home], check=True)


def fill(home: Path) -> Path:
    """All that is left of the disk."""
    file = home / "filling"
    with file.open("ab", buffering=0) as full:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    full.write(bytes(size))
            except OSError:
                pass
    return file


def test_a_rollback_works_and_a_deployment_is_refused(small: Tiny) -> None:
    home = Path(small.env["SHIPWAY_HOME"])
    fill(home)
    small.shipway("rollback", "staging", hold=True)
    assert small.answer() == "one"
    fill(home)  # what the ledger's reserve gave back
    for command in (("deploy", "staging", "--resume"), ("run", "staging")):
        refused = small.shipway(*command, check=False)
        assert refused.code == DiskFull.exit_code, refused.output
        assert "shipway prune" in refused.output
    assert small.answer() == "one"
    (home / "filling").unlink()
    small.shipway("resume", "staging")
    small.change("three")
    small.shipway("run", "staging")
    assert small.answer() == "three"
