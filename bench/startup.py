"""The start-up time of the command line."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import Row, command, interleaved
from examples.project import SHIPWAY, Project

TIMES = 15


def rows() -> list[Row]:
    """`--help` and `status`, compared with an empty Python program."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), app="bench-startup")
        project.create(hook=False)
        floor, help_, status = interleaved(
            [
                command(sys.executable, "-c", "pass"),
                command(SHIPWAY, "--help"),
                command(SHIPWAY, "status", cwd=project.clone, env=project.env),
            ],
            TIMES,
        )
    return [
        Row("python -c pass", floor * 1000, "ms"),
        Row("shipway --help / python -c pass", help_ / floor, "×", 6),
        Row("shipway status / python -c pass", status / floor, "×", 15),
    ]
