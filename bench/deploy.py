"""The duration of a rollback of the reference application on a real engine."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from bench.measure import Row, seconds
from examples.project import Project


def rows() -> list[Row]:
    """A production rollback without a migration: the whole command, cold containers, all traffic switched."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Project(Path(folder) / "deploy", app="bench-deploy").made() as project,
    ):
        project.feature("feature/one", "reversible.patch", "One")
        project.merge("staging", "feature/one")
        project.promote("v1.0.0")
        project.feature("feature/two", "cosmetic.patch", "Two")
        project.merge("staging", "feature/two")
        project.promote("v1.1.0")
        taken = [
            seconds(partial(project.shipway, "rollback", "production", "--to", to, hold=True))
            for to in ("v1.0.0", "v1.1.0") * 2
        ]
    return [Row("production rollback without a migration, whole command (worst of 4)", max(taken), "s", 3)]
