"""`shipway init --dockerfile` on applications of all frameworks: what it writes is built, serves and is healthy."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from examples.project import ADA
from shipway.cli import cli
from tests.applications import APPLICATIONS, Application
from tests.conformance.database_lab import docker
from tests.system.tiny import Tiny

pytestmark = [pytest.mark.machine, pytest.mark.engine, pytest.mark.timeout(900)]

USUAL = ("flask-pip",)
ALL = [pytest.param(name, marks=[] if name in USUAL else pytest.mark.full) for name in APPLICATIONS]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty git repository called shop, and the working directory."""
    root = tmp_path / "shop"
    subprocess.run(["git", "init", "-q", "-b", "main", root], check=True)
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize("name", ALL)
def test_a_written_dockerfile_makes_an_image_that_serves(name: str, folder: Path) -> None:
    app = APPLICATIONS[name]
    bases = base_images(app)
    fill(folder, app)
    done = CliRunner().invoke(cli, ["init", "--dockerfile"])
    assert done.exit_code == 0, done.output
    (folder / ".env").write_text("PASSWORD=hush\n")
    image = f"shipway-test-{name}-{secrets.token_hex(4)}"
    use(folder, bases)
    try:
        build(folder, image)
        is_what_it_should_be(image, app)
        with running(image, app) as (container, port):
            wait_for(container, port, app)
            stops_at_once(container)
        change(folder, app)
        installs_nothing_again(build(folder, image))
    finally:
        subprocess.run(["docker", "rmi", "--force", image], capture_output=True, check=False)


def fill(root: Path, app: Application) -> None:
    for name, text in app.files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if app.lock:
        own = f"{os.getuid()}:{os.getgid()}"
        docker(
            "run", "--rm", "--volume", f"{root}:/app", "--workdir", "/app", app.locked_in,
            "sh", "-c", f"({app.lock}) >&2 && chown -R {own} .",
        )  # fmt: skip


def base_images(app: Application) -> dict[str, str]:
    """Images of this machine by the names of those that it may not have."""
    names = {}
    for reference, recipe in app.bases.items():
        names[reference] = f"shipway-test-{reference.partition(':')[0]}" if recipe.startswith("FROM") else recipe
        if recipe.startswith("FROM"):
            docker_build(recipe, names[reference])
    return names


def use(root: Path, bases: Mapping[str, str]) -> None:
    file = root / "Dockerfile"
    for reference, name in bases.items():
        assert f"FROM {reference}" in file.read_text()
        file.write_text(file.read_text().replace(f"FROM {reference}", f"FROM {name}"))


def docker_build(dockerfile: str, tag: str) -> None:
    done = subprocess.run(
        [CLIENT, "build", "--tag", tag, "-"], input=dockerfile, capture_output=True, text=True, env=ENV, check=False
    )
    assert done.returncode == 0, done.stderr


CLIENT = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"  # Debian's builds without a plug-in
ENV = {**os.environ, "DOCKER_BUILDKIT": "1"}


def build(root: Path, image: str) -> str:
    """Build the image as Shipway does; the output."""
    done = subprocess.run(
        [CLIENT, "build", "--progress", "plain", "--tag", image, str(root)],
        env=ENV, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{(root / 'Dockerfile').read_text()}\n{done.stderr[-6000:]}"
    return done.stderr


def is_what_it_should_be(image: str, app: Application) -> None:
    config = json.loads(docker("image", "inspect", image))[0]["Config"]
    assert config["User"] in ("1000:1000", "node", "www-data")
    assert f"{app.port}/tcp" in config["ExposedPorts"]
    assert app.health is None or f":{app.port}{app.health}" in " ".join(config["Healthcheck"]["Test"])
    found = docker("run", "--rm", "--entrypoint", "sh", image, "-c", "find / -xdev -name '.env*' 2>/dev/null; true")
    assert found == "", "a file of secrets is in the image"
    check = config["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    alone = subprocess.run(
        ["docker", "run", "--rm", "--entrypoint", check[1], image, *check[2:]], capture_output=True, check=False
    )
    assert alone.returncode == 1, "the check passes although the application doesn't run"


@contextmanager
def running(image: str, app: Application) -> Iterator[tuple[str, int]]:
    """A container with Shipway's restrictions; its name, and its port on this machine."""
    name = f"shipway-test-{secrets.token_hex(4)}"
    given = [part for key, value in app.environment.items() for part in ("--env", f"{key}={value}")]
    docker(
        "run", "--detach", "--name", name, "--cap-drop", "NET_RAW", "--security-opt", "no-new-privileges",
        "--health-interval", "1s", "--publish", f"127.0.0.1::{app.port}", *given, image,
    )  # fmt: skip
    try:
        yield name, int(docker("port", name, str(app.port)).rpartition(":")[2])
    finally:
        docker("rm", "--force", name)


def wait_for(container: str, port: int, app: Application) -> None:
    """Healthy for Docker, and the right answers for a visitor."""
    deadline = time.monotonic() + 90
    while (
        state := docker("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", container)
    ) != "running healthy":
        assert state.startswith("running"), docker("logs", container)
        assert time.monotonic() < deadline, docker("inspect", "--format", "{{json .State.Health}}", container)
        time.sleep(0.2)
    for path, text in app.answers.items():
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", headers={"Host": "shop.localhost", "X-Forwarded-Proto": "https"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert text in re.sub("<!-- -->", "", answer.read().decode()), path


def stops_at_once(container: str) -> None:
    """The program gets the signal: it isn't killed when the time is over."""
    docker("stop", "--time", "20", container)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", container) != "137"


def change(root: Path, app: Application) -> None:
    """What a developer does most: a changed source."""
    name = next(name for name in app.files if name.endswith((".py", ".js", ".ts", ".go", ".html", ".rb")))
    comment = {"py": "# changed", "rb": "# changed", "html": "<!-- changed -->"}.get(
        name.rpartition(".")[2], "// changed"
    )
    (root / name).write_text(f"{app.files[name]}{comment}\n")


def installs_nothing_again(output: str) -> None:
    for number, step in re.findall(
        r"^#(\d+) \[.*\] (RUN .*(?:install|sync|npm ci|mod download).*)$", output, re.MULTILINE
    ):
        assert re.search(rf"^#{number} CACHED$", output, re.MULTILINE), step


class Own(Tiny):
    """A project of a person who writes neither a Dockerfile nor a plan."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clone = folder / self.app  # a draft takes the app's name from the folder

    def create(self, *, hook: bool = False) -> None:
        self.clone.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", ADA)
        # Its health path is not one that `init` knows: the plan gets the command of the health check.
        app = APPLICATIONS["express-npm"]
        source = app.files["server.js"].replace("/healthz", "/other")
        fill(self.clone, replace(app, files={**app.files, "server.js": source}))
        self.shipway("init", "--dockerfile")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "The first version")
        self.git("switch", "--quiet", "--create", "staging")


@pytest.mark.full
def test_an_application_is_deployed_without_an_edit(tmp_path: Path) -> None:
    project = Own(tmp_path / "project")
    try:
        project.create()
        assert "health: {command: " in (project.clone / "shipway.yaml").read_text()
        project.shipway("check")
        project.shipway("run", "staging")
        assert project.answer() == "Hello from Express"
    finally:
        project.destroy()
