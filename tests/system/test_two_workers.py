"""Two workers share a ledger on PostgreSQL, and all their processes are killed at random: each step is done, and none twice at once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipway.domain.queue import Push
from shipway.domain.release import SKIPPED, SUCCEEDED
from shipway.ports import Ledger
from shipway.store import open_ledger
from tests.matrix import FULL
from tests.postgres import running_server
from tests.system.conftest import Make
from tests.system.tiny import Tiny, soon

pytestmark = [pytest.mark.engine, pytest.mark.timeout(3600 if FULL else 600)]
COUNT = 200 if FULL else 4  # of pushes, each of a branch of its own
MOST = 6 if FULL else 2  # claims of a push, after which its process is left alone: after 10, the product gives it up
PAUSES = (1.0, 8.0) if FULL else (0.3, 4.0)  # seconds between two kills
STEPS = {"lint": {"run": "sleep 0.3; cat web/name"}, "unit": {"run": "sleep 0.6; echo tested", "needs": ["lint"]}}


class Workers:
    """Two, with a home each, as on two machines."""

    def __init__(self, project: Tiny) -> None:
        self._project = project
        self.homes = [project.home, project.folder / "other-home"]
        self._processes: dict[Path, subprocess.Popen[bytes]] = {}

    def restart(self) -> None:
        """Those that don't run."""
        for home in self.homes:
            process = self._processes.get(home)
            if process is None or process.poll() is not None:
                command = ["shipway", "--home", str(home), "worker", "--at-once", "2"]
                with (self._project.folder / "workers.log").open("ab") as log:
                    self._processes[home] = subprocess.Popen(
                        command, cwd="/", env=self._project.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                        start_new_session=True,
                    )  # fmt: skip

    def found(self) -> dict[int, int]:
        """The processes of both, and of the pushes that they work on, with the number of that push; 0: of none."""
        known = {str(home) for home in self.homes}
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                name = (folder / "comm").read_text().split()
            except OSError:
                continue
            if "--spare" in words and len(name) == 2:  # it has a push
                words += ["--push", name[1]]
            if "worker" in words and known & set(words):
                found[int(folder.name)] = int(words[words.index("--push") + 1]) if "--push" in words else 0
        return found

    def end(self) -> None:
        """Of those that have just been started, /proc doesn't tell yet what they are."""
        for started in self._processes.values():
            started.kill()
            started.wait(30)
        while found := self.found():
            for process in found:
                kill(process)
            time.sleep(0.1)


def kill(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass


@pytest.fixture(scope="module")
def ledger() -> Iterator[tuple[str, Ledger]]:
    with running_server() as server:
        address = f"{server}/postgres"
        found = open_ledger(address)
        yield address, found
        found.close()


def test_killed_at_random(ledger: tuple[str, Ledger], make: Make) -> None:
    address, shared = ledger
    project = make()
    project.env["SHIPWAY_LEDGER"] = address
    project.pipeline(**STEPS)
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(project.remote))
    project.protect()
    project.git("push", "--quiet", str(project.remote), "main")
    first = enqueue(shared, project, "main", project.git("rev-parse", "main").output.strip())
    workers, chance, killed = Workers(project), random.Random(1), 0
    workers.restart()
    soon(lambda: done(shared, first), 120)  # it registers the app
    workers.end()
    added = [add(project, shared, number) for number in range(COUNT)]
    with told(project) as events:
        try:
            workers.restart()
            while not all(done(shared, push) for push in added):
                time.sleep(chance.uniform(*PAUSES))
                if found := [process for process, push in workers.found().items() if claims(shared, push) < MOST]:
                    kill(chance.choice(found))
                    killed += 1
                workers.restart()
        finally:
            workers.end()
    assert killed >= COUNT / 2
    ended = [shared.push(push.id) for push in added]
    assert {item.ref: (item.outcome, item.note) for item in ended if item and item.outcome != SUCCEEDED} == {}
    by_revision = defaultdict(list)
    for run in shared.runs(project.app, COUNT * 12):
        by_revision[run.revision].append(run)
    for push in added:
        runs = sorted(by_revision[push.new], key=lambda run: run.number)
        assert runs[-1].outcome == SUCCEEDED, push
        outcomes = [{step.name: step.outcome for step in shared.steps(run.number)} for run in runs]
        assert {name: [found.get(name) for found in outcomes].count(SUCCEEDED) for name in STEPS} == dict.fromkeys(
            STEPS, 1
        ), push
        assert set(outcomes[-1].values()) <= {SUCCEEDED, SKIPPED}, push
    assert twice_at_once(events) == []
    assert project.containers(role="step") == {}


def add(project: Tiny, ledger: Ledger, number: int) -> Push:
    """A push of a commit and a branch of its own, as a webhook tells of it."""
    branch = f"feature-{number}"
    project.git("switch", "--quiet", "--create", branch, "main")
    revision = project.change(f"number {number}")
    project.git("push", "--quiet", str(project.remote), branch)
    return enqueue(ledger, project, branch, revision)


def enqueue(ledger: Ledger, project: Tiny, branch: str, revision: str) -> Push:
    address, ref = f"file://{project.remote}", f"refs/heads/{branch}"
    return ledger.enqueue(Push(branch, address, "", ref, "0" * 40, revision, "", "a test", "", ledger.now()))


def claims(ledger: Ledger, push: int) -> int:
    found = ledger.push(push) if push else None
    return found.token if found else 0


def done(ledger: Ledger, push: Push) -> bool:
    found = ledger.push(push.id)
    return found is not None and found.ended is not None


@contextmanager
def told(project: Tiny) -> Iterator[Path]:
    """What the engine tells meanwhile of the containers of steps, since it keeps only its last 256 events: one JSON a line."""
    command = [
        "docker",
        "events",
        "--filter",
        f"label=shipway.app={project.app}",
        "--filter",
        "label=shipway.role=step",
    ]
    command += ["--filter", "event=start", "--filter", "event=die", "--format", "{{json .}}"]
    file = project.folder / "events.json"
    with file.open("wb") as output:
        process = subprocess.Popen(command, stdout=output)
    try:
        yield file
    finally:
        process.terminate()
        process.wait(30)


def twice_at_once(events: Path) -> list[str]:
    """The steps of which two containers ran at the same moment."""
    running: dict[str, set[str]] = defaultdict(set)
    found = []
    for event in map(json.loads, events.read_text().splitlines()):
        labels = event["Actor"]["Attributes"]
        step = f"{labels.get('shipway.run')} {labels.get('shipway.name')}"
        if event["Action"] == "die":
            running[step].discard(event["id"])
            continue
        running[step].add(event["id"])
        if len(running[step]) > 1:
            found.append(step)
    assert running, "the engine tells of no step"
    return found
