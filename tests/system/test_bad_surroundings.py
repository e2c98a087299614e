"""What Shipway stands on is missing or refuses: the repository, Docker, the registry, a secret."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.domain.errors import EngineError, RegistryError, RepositoryError, SecretError
from tests.conformance.labs import DockerLab
from tests.conformance.registries import PASSWORD, USER, password_host
from tests.system.conftest import Make
from tests.system.tiny import Tiny

pytestmark = pytest.mark.engine

OTHER_USER = 65534


def test_a_revision_that_does_not_exist(served: Tiny) -> None:
    before = served.footprint()
    for command in (("run", "stagin"), ("deploy", "staging", "stagin")):
        done = served.shipway(*command, check=False)
        assert done.code == RepositoryError.exit_code, done.output
        assert "there is no revision 'stagin'" in done.output
        assert "did you mean staging" in done.output
    assert served.footprint() == before


def test_a_dirty_tree_where_a_commit_is_asked_for(served: Tiny) -> None:
    before = served.footprint()
    served.write({"web/name": "changed, not committed"})
    done = served.shipway("run", check=False)
    served.git("checkout", "--quiet", "--", ".")
    assert done.code == RepositoryError.exit_code, done.output
    assert "the working tree has uncommitted changes" in done.output
    assert "--dirty" in done.output
    assert served.footprint() == before


def test_no_repository_at_all(tmp_path: Path, served: Tiny) -> None:
    done = subprocess.run(["shipway", "run"], cwd=tmp_path, env=served.env, capture_output=True, text=True, check=False)
    assert done.returncode == RepositoryError.exit_code, done.stderr
    assert "is not in a git repository" in done.stderr


@pytest.mark.parametrize(
    "command", [("run", "staging"), ("deploy", "staging"), ("destroy", "staging", "--force"), ("status",)], ids=" ".join
)
def test_docker_is_not_running(served: Tiny, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]) -> None:
    before = served.footprint()
    monkeypatch.setitem(served.env, "DOCKER_HOST", "unix:///nonexistent.sock")
    done = served.shipway(*command, check=False)
    monkeypatch.undo()
    assert done.code == EngineError.exit_code, done.output
    assert "Docker isn't running" in done.output
    assert "/nonexistent.sock" in done.output
    assert "hint:" in done.output
    assert served.footprint() == before


def test_docker_is_not_permitted(stranger: Stranger) -> None:
    done = stranger.shipway("run", "staging")
    assert done.returncode == EngineError.exit_code, done.stdout
    assert "Docker denies access" in done.stdout
    assert "docker group" in done.stdout


def test_the_registry_is_down(bare: Tiny) -> None:
    before = bare.footprint()
    done = with_registry(bare, {"address": "127.0.0.1:1"})
    assert done.code == RegistryError.exit_code, done.output
    assert "can't reach registry 127.0.0.1:1" in done.output
    assert bare.footprint() == before


@pytest.mark.parametrize("access", ["anonymous", "wrong password"])
def test_the_registry_refuses(bare: Tiny, locked: str, monkeypatch: pytest.MonkeyPatch, access: str) -> None:
    before = bare.footprint()
    asked = {"user": USER, "password": "REGISTRY_PASSWORD"} if access == "wrong password" else {}
    if asked:
        entry = {"user": USER, "password": "not " + PASSWORD}
        monkeypatch.setitem(bare.env, "SHIPWAY_REGISTRY_AUTH", json.dumps({locked: entry}))
    done = with_registry(bare, {"address": locked, **asked})
    assert done.code == RegistryError.exit_code, done.output
    assert f"registry {locked} denies" in done.output
    assert (USER if asked else "denies anonymous access") in done.output
    assert PASSWORD not in done.output
    assert bare.footprint() == before


def test_the_registrys_password_is_not_set(bare: Tiny, locked: str) -> None:
    done = with_registry(bare, {"address": locked, "user": USER, "password": "REGISTRY_PASSWORD"})
    assert done.code == SecretError.exit_code, done.output
    assert f"shipway secret set registry REGISTRY_PASSWORD --for {locked}" in done.output


def test_a_plan_gets_no_variable_of_the_controller(bare: Tiny, locked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a feature branch would do to learn a variable: nothing is sent, no run begins."""
    monkeypatch.setitem(bare.env, "REGISTRY_PASSWORD", PASSWORD)
    before = bare.footprint()
    done = with_registry(bare, {"address": locked, "user": USER, "password": "REGISTRY_PASSWORD"})
    assert done.code == SecretError.exit_code, done.output
    assert bare.footprint() == before


def test_a_blank_secret(make: Make) -> None:
    project = make()
    project.plan["services"]["web"]["secrets"] = ["KEY"]
    project.change("one")
    for value in ("", "  \n"):
        done = subprocess.run(["shipway", "secret", "set", "staging", "KEY"], cwd=project.clone, env=project.env,
                              input=value, capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == SecretError.exit_code, done.stderr
        assert "blank" in done.stderr
    assert re.search(r"^KEY +missing ", project.shipway("secret", "list", "staging").output, re.MULTILINE)
    done = project.shipway("run", "staging", check=False)
    assert done.code == SecretError.exit_code
    assert "shipway secret set staging KEY" in done.output
    assert not project.containers()
    assert not project.deployments()
    assert not project.leases()


def with_registry(project: Tiny, access: dict[str, str]):  # type: ignore[no-untyped-def]
    """What `shipway run` says with this registry in the plan; the plan is as before afterwards."""
    first, rules = (project.git("rev-parse", name).output.strip() for name in ("HEAD", "main"))
    project.plan["registry"] = access
    project.protect()
    project.change("one")
    try:
        return project.shipway("run", "staging", check=False)
    finally:
        project.undo(first)
        project.git("branch", "--force", "main", rules)


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    """Address of a real registry that wants a user and a password."""
    lab = DockerLab()
    try:
        yield password_host(lab).address
    finally:
        lab.close()


class Stranger:
    """A user of the machine who may not speak to Docker: the socket is there, its mode forbids it."""

    def __init__(self, project: Tiny, folder: Path) -> None:
        self._clone, self._folder = folder / "clone", folder
        subprocess.run(["cp", "-r", project.clone, self._clone], check=True)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(folder / "docker.sock"))
        self._socket.listen()
        (folder / "docker.sock").chmod(0)
        self._env = {
            **project.env,
            "DOCKER_HOST": f"unix://{folder}/docker.sock",
            "SHIPWAY_HOME": str(folder / "home"),
            "HOME": str(folder),
        }
        self._become: list[str] = []
        if os.geteuid() == 0:  # root may do all: another user is needed
            self._become = ["setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups"]
            for path in (folder, self._clone, *self._clone.rglob("*")):
                os.chown(path, OTHER_USER, OTHER_USER)

    def shipway(self, *args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._become, "shipway", *args], cwd=self._clone, env=self._env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def stranger(bare: Tiny) -> Iterator[Stranger]:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root may do all, and there is no setpriv to become another user")
    with tempfile.TemporaryDirectory(prefix="shipway-stranger-") as folder:
        one = Stranger(bare, Path(folder))
        if one.shipway("--version").returncode:
            pytest.skip("another user can't reach this installation of shipway")
        yield one
        one.close()
