"""The start-up time of the command line."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.measure import Row, command, interleaved, median
from examples.project import SHIPWAY, Project

TIMES = 15
FILES = 20_000  # of the repository that `init` reads
_INIT_TIMES = 5


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
        Row(f"shipway init, a repository of {FILES:,} files", _init(), "s", 2),
    ]


def _init() -> float:
    """Seconds of `init` on a repository of several projects with generated sources."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for index in range(FILES):
            part = root / f"services/s{index % 20}/src/package{index // 20 % 50}"
            part.mkdir(parents=True, exist_ok=True)
            name = "settings" if index % 40 == 0 else f"module{index}"
            (part / f"{name}.py").write_text(f'import os\nNAME = os.environ["NAME_{index % 7}"]\n')
        for index in range(20):
            service = root / f"services/s{index}"
            (service / "Dockerfile").write_text(
                "FROM python:3.12-slim\nCOPY . .\nRUN pip install -r requirements.txt\nEXPOSE 8000\n"
            )
            (service / "requirements.txt").write_text("psycopg\nredis\npytest\n")
            (service / ".env.example").write_text("DATABASE_URL=postgresql://db/app\nSECRET_KEY=\n")
        command("git", "init", "--quiet", root)()
        return median(command(SHIPWAY, "init", "--stdout", cwd=root), _INIT_TIMES)
