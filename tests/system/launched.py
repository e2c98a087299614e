"""Launches that are killed at every step, and the commands that bring a lost host back."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from examples.project import Project
from shipway.domain.launch import OPEN, LaunchRecord
from shipway.store import open_ledger

DOCUMENT = Path(__file__).parents[2] / "docs/backups.md"
# Steps with effects, in which a launch can die. Those before only look, on machines that are prepared.
STEPS = {"release", "deployment", "system test", "backup", OPEN}
TRIES = 80


def records(project: Project, environment: str) -> list[LaunchRecord]:
    """What the ledger has of a launch's steps, oldest first."""
    if not (project.home / "ledger.db").exists():
        return []
    ledger = open_ledger(project.home / "ledger.db")
    try:
        return list(ledger.launch_records(project.app, environment))
    finally:
        ledger.close()


def killed_at_every_step(
    project: Project, environment: str, command: Sequence[str], look: Callable[[str, bool], None], *, growth: int
) -> dict[str, int]:
    """Launch again and again until it is open: killed as each step begins, and then at later and later effects. look: told the
    step after each death, and whether it was opening. Returns the deaths by step."""
    died: dict[str, int] = {}
    at, before = 1, ""
    while True:
        moment = "after" if sum(died.values()) % 2 else "before"
        code, output = _killed_as_a_step_begins(project, command, STEPS - set(died), f"{at},{moment}")
        if code == 0:
            return died
        assert code == -signal.SIGKILL, output
        found = records(project, environment)
        step = found[-1].step if found else ""
        died[step] = died.get(step, 0) + 1
        assert sum(died.values()) < TRIES, died
        look(step, any(item.step == OPEN for item in found))
        at, before = (1 if step != before else growth * at + 1), step


def _killed_as_a_step_begins(
    project: Project, command: Sequence[str], steps: Collection[str], effect: str
) -> tuple[int, str]:
    """Run it until it says that one of these steps begins, or dies at the effect. Its exit code and output."""
    said = ""
    with subprocess.Popen(
        command, cwd=project.clone, env={**project.env, "SHIPWAY_TEST_DIE": effect}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if line.startswith("▌ ") and line[2:].partition(":")[0] in steps:
                process.kill()
                break
    return process.returncode, said


def documented(names: Mapping[str, str]) -> list[list[str]]:
    """The commands of docs/backups.md under "One of several hosts is lost", with a test's names."""
    text = DOCUMENT.read_text(encoding="utf-8").partition("## One of several hosts is lost")[2].partition("\n## ")[0]
    lines = [line.removeprefix("$ ").split() for line in text.splitlines() if line.startswith("$ ")]
    return [[names.get(word, word) for word in line] for line in lines]
