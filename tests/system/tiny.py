"""A small project of a person: one web service (and a database where a test needs it), whose files say how it behaves."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from examples.project import ADA, Done, Project, get
from shipway.actions.environment.locks import CARETAKER, is_held
from shipway.domain.release import SUCCEEDED
from shipway.drivers.runtime.docker import DockerRuntime
from shipway.drivers.runtime.engine import Engine
from shipway.ports import Ledger
from shipway.store import open_ledger
from tests import prepared

# What a site answers that isn't there: the edge has no such route, or has given its port back.
NOT_THERE = ("HTTP status 404", "HTTP status 0: <urlopen error [Errno 111]")
IMAGE = "caddy:2"  # the smallest of the base images, with a shell
PATIENT, SHORT = "30s", "3s"  # of a health check: a busy machine takes seconds to start a container
DOCKERFILE = f"""\
FROM {IMAGE}
WORKDIR /app
COPY . .
CMD ["sh", "-c", "echo I am $(cat name); exec caddy run --config Caddyfile --adapter caddyfile"]
"""
CADDYFILE = """\
{{
	admin off
}}
:8000 {{
	respond /healthz {health}
	respond "{name}"
}}
"""
DATABASE = {
    "accessories": {"db": {"image": "postgres:15", "provides": "DATABASE_URL", "volume": "/var/lib/postgresql/data"}},
    "database": {"accessory": "db", "service": "web", "tool": "sql", "folder": "migrations"},
}
FIRST = {  # the first migration of a project with a database
    "web/migrations/0001_pets.up.sql": "CREATE TABLE pets (name text);\n",
    "web/migrations/0001_pets.down.sql": "DROP TABLE pets;\n",
}


class Tiny(Project):
    """A project with an app name of its own. `plan` is the plan file as data: JSON is YAML."""

    def __init__(self, folder: Path, *, database: bool = False, port: int = 8080) -> None:
        super().__init__(folder, app=f"tiny-{uuid.uuid4().hex[:8]}", port=port)
        self.plan: dict[str, Any] = {
            "app": self.app,
            "services": {
                "web": {"build": "web", "port": 8000, "route": "/", "health": {"path": "/healthz", "timeout": PATIENT}},
            },
            **(copy.deepcopy(DATABASE) if database else {}),  # tests change their plan
            "environments": {
                "staging": {"on": {"branch": "staging"}, "url": self.staging, "standby": "0s"},
                "production": {
                    "on": {"tag": "v*", "branch": "main"}, "after": "staging",
                    "approvals": {"count": 1, "not": "author"}, "url": self.production, "standby": "0s",
                },
            },
        }  # fmt: skip
        self.first = FIRST if database else {}

    def create(self, *, hook: bool = False) -> None:
        """The repository with branches main and staging, the latter checked out and one commit ahead."""
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        self.write({"web/Dockerfile": DOCKERFILE, **self.first})
        self.change("none")
        self.git("switch", "--quiet", "--create", "staging")
        self.change("one")

    def write(self, files: Mapping[str, str]) -> None:
        """Files of the clone."""
        for name, text in files.items():
            (self.clone / name).parent.mkdir(parents=True, exist_ok=True)
            (self.clone / name).write_text(text)

    def change(self, name: str, *, health: int = 200, files: Mapping[str, str] | None = None) -> str:
        """Commit a version of the site that answers with `name`, and the plan as it stands. Returns the revision. health: the
        status of its health check, for which a deployment waits a short time if it fails."""
        check = self.plan["services"].get("web", {}).get("health", {})
        if check.get("timeout") in (PATIENT, SHORT):
            check["timeout"] = PATIENT if health == 200 else SHORT
        self.write({
            "shipway.yaml": json.dumps(self.plan, indent=2) + "\n",
            "web/name": name,
            "web/Caddyfile": CADDYFILE.format(name=name, health=health),
            **(files or {}),
        })  # fmt: skip
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", f"Version {name}")
        return self.git("rev-parse", "HEAD").output.strip()

    def protect(self) -> None:
        """Put the plan as it stands on main, whose rules are in force, and main into staging: what a team's reviewed
        change of its rules does. A change of the plan on staging alone admits and reaches nothing new."""
        self.git("switch", "--quiet", "main")
        self.write({"shipway.yaml": json.dumps(self.plan, indent=2) + "\n"})
        self.git("commit", "--quiet", "--all", "--allow-empty", "--message", "The plan's rules")
        self.git("switch", "--quiet", "staging")
        self.git("merge", "--quiet", "--no-edit", "--strategy-option=theirs", "main")

    def pipeline(self, **steps: Mapping[str, Any]) -> None:
        """Commit a plan with these steps; each runs in a base image where it says nothing else."""
        self.plan["pipeline"] = {name: {"image": IMAGE, **step} for name, step in steps.items()}
        self.change("one")

    def undo(self, revision: str) -> None:
        """Back to a revision, for the next test of a shared project."""
        self.git("reset", "--quiet", "--hard", revision)
        self.plan = json.loads((self.clone / "shipway.yaml").read_text())

    def promote(self, version: str) -> Done:
        """staging's revision to main, with a tag: what production takes."""
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--ff-only", "staging")
        tagged = self.git("tag", version)
        self.git("switch", "--quiet", "staging")
        return tagged

    def _completed(self, args: Sequence[str], *, merged: bool) -> subprocess.CompletedProcess[str]:
        if args[0] != "shipway":
            return super()._completed(args, merged=merged)
        return prepared.run(args[1:], self.where, self.env, merged=merged)

    def destroy(self) -> None:
        """Both environments, all names of images on the engine, and the folder."""
        super().destroy()
        remove_images(self.app)

    # what a person or the machine sees

    def answer(self, environment: str = "staging") -> str:
        """What the site says: the name of the version that serves."""
        status, body = get(getattr(self, environment))
        return body if status == 200 else f"HTTP status {status}: {body}"

    def containers(self, **labels: str) -> dict[str, str]:
        """Name and state of all containers of the app, or those with these further labels."""
        wanted = [f"shipway.app={self.app}", *(f"shipway.{name}={value}" for name, value in labels.items())]
        found = engine("/containers/json", all=1, filters=json.dumps({"label": wanted}))
        return {item["Names"][0].lstrip("/"): item["State"] for item in found}

    @contextmanager
    def jobs(self) -> Iterator[list[str]]:
        """The names of the containers for jobs that are started in the block."""
        found: list[str] = []
        begun = time.time()
        yield found
        listed = subprocess.run(
            ["docker", "events", "--since", f"{begun:.3f}", "--until", f"{time.time():.3f}", "--filter", "event=start", "--filter",
             f"label=shipway.app={self.app}", "--filter", "label=shipway.role=job", "--format", "{{.Actor.Attributes.name}}"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        found += listed.stdout.split()

    def logs(self, container: str) -> str:
        """All that a container has written so far."""
        return "\n".join(DockerRuntime(Engine()).logs(container))

    def networks(self) -> list[str]:
        """Names of all networks of the app."""
        return sorted(item["Name"] for item in engine("/networks") if f"_{self.app}_" in item["Name"])

    def volumes(self) -> list[str]:
        """Names of all volumes of the app."""
        return sorted(item["Name"] for item in engine("/volumes")["Volumes"] or () if item["Name"].startswith(self.app))

    def ledger(self) -> Ledger:
        """The ledger itself, to be closed by the caller."""
        return open_ledger(self.home / "ledger.db")

    def age(self, seconds: float = 1200.0) -> None:
        """Record what runs on staging as deployed this long ago: times of its schedules have passed since."""
        ledger = self.ledger()
        now = ledger.current(self.app, "staging")
        assert now is not None
        at = time.time() - seconds
        older = dataclasses.replace(now, started=at, reason="a test")
        ledger.end_deployment(ledger.begin_deployment(older), SUCCEEDED, at, now.schema, "")
        ledger.close()

    def leases(self) -> list[str]:
        """Environments whose lock a command holds. The background clean-up, which holds it for moments, doesn't count."""
        ledger = self.ledger()
        now = ledger.now()
        locks = {name: ledger.lease(f"{self.app}/{name}") for name in ("staging", "production")}
        ledger.close()
        return [
            name
            for name, lock in locks.items()
            if lock and is_held(lock, now) and not lock.owner.startswith(f"{CARETAKER} ")
        ]

    def good(self) -> list[tuple[str, str, int]]:
        """Environment, kind and release of all deployments that succeeded."""
        return [
            (item["environment"], item["kind"], item["release"])
            for item in self.deployments()
            if item["outcome"] == "succeeded"
        ]

    def drained(self, *, seconds: float = 120.0) -> None:
        """Wait until the containers that requests were taken from have stopped: they do so in the background."""
        deadline = time.monotonic() + seconds
        labels = [f"shipway.app={self.app}", "shipway.role=service"]
        while True:
            found = [item["Labels"] for item in engine("/containers/json", filters=json.dumps({"label": labels}))]
            running = {
                (item["shipway.environment"], item["shipway.release"])
                for item in found
                if "shipway.standby" not in item
            }
            if len(running) == len({environment for environment, _ in running}):
                return
            assert time.monotonic() < deadline, f"two releases still run: {running}"
            time.sleep(0.2)

    def footprint(self) -> dict[str, object]:
        """All that a command which is refused must leave as it was: what runs, what is kept, and what holds good."""
        self.drained()
        ledger = self.ledger()
        releases = [release.number for release in ledger.releases(self.app)]
        pending = [run.number for run in ledger.runs(self.app, 100) if run.outcome == "pending"]
        ledger.close()
        return {
            "containers": self.containers(), "networks": self.networks(), "volumes": self.volumes(),
            "leases": self.leases(), "good": self.good(), "releases": releases, "pending runs": pending,
            "scratch": sorted(path.name for path in (self.home / "runs").glob("*")),
        }  # fmt: skip

    def psql(self, query: str, environment: str = "staging") -> str:
        """What the environment's database answers."""
        name = self.app.replace("-", "_")
        args = ["psql", "-U", name, "-At", "-c", query]
        code, output = DockerRuntime(Engine()).execute(f"{self.app}_{environment}_db", args)
        assert code == 0, output
        return output.strip()

    def start(self, *args: str) -> Running:
        """A command that goes on while the test does."""
        return Running(self, *args)


class Running:
    """A `shipway` command under way, in a process group of its own as a shell gives it."""

    def __init__(self, project: Tiny, *args: str) -> None:
        self._file = project.folder / f"output-{uuid.uuid4().hex[:8]}.txt"
        with self._file.open("wb") as output:
            self._process = subprocess.Popen(
                ["shipway", *args], cwd=project.clone, env=project.env, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def output(self) -> str:
        """All that it has printed so far."""
        return self._file.read_text(errors="replace")

    def until(self, text: str, *, seconds: float = 60.0) -> None:
        """Wait for words in its output."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert self._process.poll() is None, f"it ended without {text!r}:\n{self.output}"
            assert time.monotonic() < deadline, f"no {text!r} within {seconds:g} s:\n{self.output}"
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def running(self) -> bool:
        """Whether it still does."""
        return self._process.poll() is None

    def press_ctrl_c(self) -> None:
        """As a terminal does: the whole foreground group gets it."""
        os.killpg(self._process.pid, signal.SIGINT)

    def terminate(self) -> None:
        """As a service manager or a CI job does."""
        self._process.terminate()

    def kill(self) -> None:
        """As the kernel does where memory runs out: nothing can be cleaned up."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """As a machine does that is put to sleep."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """And wakes up."""
        self._process.send_signal(signal.SIGCONT)

    def end(self, *, seconds: float = 60.0) -> Done:
        """Wait for it."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise AssertionError(f"it still runs after {seconds:g} s:\n{self.output}") from None
        return Done(code, self.output)


def soon(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def just_past(count: int = 1) -> str:
    """The times of a schedule: the minutes before this one, and then not for most of an hour."""
    now = datetime.now(UTC)
    return ",".join(str((now - timedelta(minutes=ago)).minute) for ago in range(count, 0, -1)) + " * * * *"


def effects(output: str) -> int:
    """How many effects a command had, which had to say so (SHIPWAY_TEST_DIE=0)."""
    found = re.search(r"^effects: (\d+)$", output, re.MULTILINE)
    assert found, output
    return int(found[1])


@contextmanager
def visitors(project: Tiny, environment: str = "staging") -> Iterator[list[str]]:
    """Ask the site again and again meanwhile; gives what was answered."""
    with asked_again(lambda: project.answer(environment)) as answers:
        yield answers


@contextmanager
def asked_again(ask: Callable[[], str]) -> Iterator[list[str]]:
    """Ask again and again meanwhile; gives what was answered."""
    answers: list[str] = []
    over = threading.Event()

    def visit() -> None:
        while not over.wait(0.02):
            answers.append(ask())

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


def remove_images(app: str) -> None:
    """All names of the app's images on the engine."""
    for image in engine("/images/json"):
        for reference in [*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())]:
            if f"/{app}/" in reference or f"/{app}:" in reference:
                Engine().call("DELETE", f"/images/{reference}", query={"force": 1}, fine=(404, 409))


def engine(path: str, **query: object) -> Any:
    """A question to the engine's API."""
    return Engine().call("GET", path, query=query)


def from_its_end(outcomes: Collection[str], least: int = 4) -> Iterator[int]:
    """How many effects before its end a command dies, later ones first, until it was seen to succeed and to fail: the number
    of its effects depends a little on how long it takes."""
    for tried, point in enumerate((5, 6, 7, 9, 11, 14, 18, 23, 29)):
        if tried >= least and len(outcomes) == 2:
            return
        yield point
