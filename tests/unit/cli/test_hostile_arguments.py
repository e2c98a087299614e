"""What begins with a dash is no option of a program that a command calls, and no message has what a terminal obeys."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests import prepared
from tests.unit.system.repositories import commit, neutral, repository

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
PLAN = """\
app: probe
services:
  web: {image: "caddy:2", port: 80, health: {path: /}, route: /}
environments:
  staging: {on: {branch: staging}, url: "http://probe.localhost:8999"}
"""
ODD = "\x1b]0;title\x07\x1b[31m\u202etxt\nsecond"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = repository(tmp_path / "work")
    commit(made, {"shipway.yaml": PLAN}, "evil \x1b]0;title\x07 \u202egnp.exe")
    subprocess.run(["git", "branch", "a\u202eb"], cwd=made, check=True)
    return made


def shipway(work: Path, *words: str) -> subprocess.CompletedProcess[str]:
    args = ["--home", str(work.parent / "home"), *words]
    return prepared.run(args, work, {**os.environ, "NO_COLOR": "1"}, merged=False)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--", "--upload-pack=touch pwned"), ("run", "--", "--output=pwned"), ("deploy", "staging", "--", "--output=pwned"),
        ("deploy", "--", "--staging"), ("deploy", "staging", ":(exclude)x"), ("proof", "--", "-x"), ("approve", "staging", "--", "-r1"),
        ("diff", "staging", "--", "--no-index"), ("logs", "--", "-staging"), ("exec", "--", "-staging", "web", "ls"),
        ("secret", "set", "../../etc", "NAME"), ("secret", "set", "staging", "--", "-X"), ("seed", "../x"), ("snapshot", "../.."),
        ("deploy", ODD), ("deploy", "staging", ODD), ("secret", "set", ODD, "NAME"), ("rules", "accept", ODD, "--reason", "x"),
        ("show", "9" * 30), ("show", "staging", "--deployment", "9" * 30), ("cancel", "9" * 30), ("rollback", "staging", "--to", "9" * 30),
        ("prove", "--env", ODD), ("rename", "environment", "staging", ODD),
    ],
    ids=lambda words: " ".join(words).encode("ascii", "backslashreplace").decode().replace("\x1b", "ESC").replace("\x07", "BEL"),
)  # fmt: skip
def test_it_is_refused_by_name(work: Path, words: tuple[str, ...]) -> None:
    before = sorted(path.name for path in work.iterdir())
    done = shipway(work, *words)
    output = done.stdout + done.stderr
    assert done.returncode not in (0, 1), output  # 1: a traceback
    assert "error: " in output
    assert not set("\x1b\x07\u202e").intersection(output)
    assert sorted(path.name for path in work.iterdir()) == before
    assert not (work.parent / "pwned").exists()
