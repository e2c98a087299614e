"""Drafts from a repository's Compose files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shipway.actions.projects.init import draft_plan
from tests.unit.drafting.shapes.shape import Shape


def write(root: Path, files: dict[str, str]) -> Path:
    Shape(files, "").write(root)
    return root


def drafted(root: Path, files: dict[str, str]) -> Any:
    """The plan as data; fails where it has an error."""
    from shipway.drafting.files import plain
    from shipway.planfile.document import compose

    result = draft_plan(write(root / "shop", {"Dockerfile": "FROM python:3.12-slim\n", **files}))
    assert [problem.render() for problem in result.check.problems if problem.severity == "error"] == []
    return plain(compose(result.text)), result.text
