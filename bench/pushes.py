"""From a push to the release server to the first step: `git push` over HTTP on loopback, until the step's command starts."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Row
from examples.project import SHIPWAY, Project

IMAGE = "redis:7"
TIMES = 9
CLOCK = "date +%s%N"
PAUSE = 5  # seconds between pushes: the server is then as it is for a team
PLAN = f"""\
app: bench-pushes
services:
  web: {{image: "{IMAGE}"}}
pipeline:
  first: {{image: "{IMAGE}", run: "{CLOCK}"}}
"""


def rows() -> list[Row]:
    """All rows of this theme. The load says how busy the machine was."""
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (project, address):
        floor, taken = list[float](), list[float]()
        for number in range(TIMES + 1):
            time.sleep(PAUSE)
            ours = _push(project, address, number)
            if number:  # the first one creates the repository, and loads everything
                taken.append(ours)
                floor.append(_container(project))
        return [
            Row("push by HTTP to the first step, median", statistics.median(taken), "ms", 300.0),
            Row("push by HTTP to the first step, best", min(taken), "ms"),
            Row("docker run to the command of the same image, median", statistics.median(floor), "ms"),
            Row(
                "push by HTTP to the first step, of the time of docker run",
                statistics.median(taken) / statistics.median(floor),
                "x",
            ),
            Row("load of the machine while pushes were measured", os.getloadavg()[0], ""),
        ]


@contextmanager
def served(folder: Path) -> Iterator[tuple[Project, str]]:
    """A project, and the address of its repository on a server that runs what is pushed."""
    project = Project(folder / "project", app="bench-pushes")
    project.clone.mkdir(parents=True)
    (project.clone / "shipway.yaml").write_text(PLAN)
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("config", "user.email", "ada@example.org")
    project.git("config", "user.name", "Ada")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "one step")
    project.shipway("user", "add", "ada@example.org", "--role", "admin")
    allowed = [word for name in ("run", "webhooks", "deploy", "deploy.protected") for word in ("--allow", name)]
    made = project.shipway("token", "create", "git", "--of", "ada@example.org", *allowed)
    token = re.search(r"swt_\S+", made.output)
    assert token, made.output
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [SHIPWAY, "serve", "--listen", "127.0.0.1:0"], env=project.env, cwd="/", stdout=output, stderr=output
        )
    try:
        while not (found := re.search(r"serves http://(127.0.0.1:\d+)", log.read_text())):
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.1)
        yield project, f"http://me:{token[0]}@{found[1]}/git/bench-pushes.git"
    finally:
        process.terminate()
        process.wait()


def _push(project: Project, address: str, number: int) -> float:
    """Milliseconds until the command of the step of a new commit starts."""
    (project.clone / "version").write_text(str(number))
    project.git("add", "version")
    project.git("commit", "--quiet", "--message", f"version {number}")
    began = time.time_ns()
    done = project.git("push", address, "HEAD:refs/heads/feature" if number else "HEAD:refs/heads/main")
    run = max(int(path.name) for path in (project.home / "logs" / "bench-pushes").iterdir())
    text = (project.home / "logs" / "bench-pushes" / str(run) / "first.log").read_text()
    found = re.search(r"\b(\d{19})\b", text)
    assert found, done.output
    return (int(found[1]) - began) / 1e6


def _container(project: Project) -> float:
    """The same for `docker run`."""
    began = time.time_ns()
    done = subprocess.run(
        ["docker", "run", "--rm", IMAGE, "sh", "-c", CLOCK], env=project.env, capture_output=True, text=True, check=True
    )
    return (int(done.stdout.split()[-1]) - began) / 1e6
