"""The conformance suite of sources of an app. A test module subclasses the suite and provides the fixtures."""

from __future__ import annotations

import subprocess
from pathlib import Path

from shipway.ports import ProjectSource


class ProjectSuite:
    """Fixtures: `source` is an app `shop` whose repository has a commit, which is `revision`, and a plan with the
    environment staging."""

    def test_the_plan_is_the_apps(self, source: ProjectSource) -> None:
        assert source.name == source.plan().app == "shop"
        assert "staging" in source.plan().environments

    def test_the_clone_has_the_commits(self, source: ProjectSource, revision: str) -> None:
        done = subprocess.run(["git", "cat-file", "-t", revision], cwd=source.clone(), capture_output=True, check=False)
        assert done.stdout == b"commit\n"

    def test_reading_changes_nothing(self, source: ProjectSource) -> None:
        before = {path: path.stat().st_mtime_ns for path in files(source.clone())}
        source.plan()
        assert {path: path.stat().st_mtime_ns for path in files(source.clone())} == before


def files(folder: Path) -> list[Path]:
    """All files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())
