"""`shipway prune` on a real engine: old images go, and nothing that a rollback or another app needs."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from shipway.drivers.registry.embedded import PASSWORD, USER
from tests.system.conftest import Make
from tests.system.tiny import Tiny, engine

pytestmark = pytest.mark.engine


def images(project: Tiny) -> list[str]:
    """Tags of the images of the app's releases."""
    names = [name for item in engine("/images/json") for name in item["RepoTags"] or ()]
    return sorted(name.rpartition(":")[2] for name in names if f"/{project.app}/" in name)


def pull(image: str, settings: Path) -> None:
    """As a person does who may use the engine."""
    docker = ["docker", "--config", str(settings)]
    copy = ["docker", "cp", f"shipway-registry:{PASSWORD}", "-"]
    with tarfile.open(fileobj=io.BytesIO(subprocess.run(copy, check=True, capture_output=True).stdout)) as tar:
        file = tar.extractfile(tar.getmembers()[0])
        assert file is not None
        password = file.read().decode()
    login = [*docker, "login", "--username", USER, "--password-stdin", image.partition("/")[0]]
    subprocess.run(login, input=password, text=True, check=True, capture_output=True)
    subprocess.run([*docker, "pull", "--quiet", image], check=True, capture_output=True)


def test_prune(make: Make, tmp_path: Path) -> None:
    project, neighbour = make(), make()
    neighbour.shipway("run", "staging")
    others = images(neighbour)
    revisions = {}
    for name in ("one", "two", "three"):
        revisions[name] = project.change(name)
        project.shipway("run", "staging")
    assert images(project) == sorted(revisions.values())

    for environment in project.plan["environments"].values():
        environment["retain"] = 1
    for name in ("four", "five"):
        revisions[name] = project.change(name)
        project.shipway("run", "staging")  # the last one makes room first: of what the one before doesn't need
    assert images(project) == sorted([revisions["three"], revisions["four"], revisions["five"]])
    assert "removed" in project.shipway("prune").output
    assert "nothing was removed" in project.shipway("prune").output

    old = f"127.0.0.1:5055/{project.app}/web:{revisions['one']}"
    pull(old, tmp_path)  # somebody looked at it
    planned = project.shipway("prune", "--dry-run").output
    assert [line.split()[0] for line in planned.splitlines() if revisions["one"][:12] in line] == ["remove"], planned
    assert "serves in staging" in next(line for line in planned.splitlines() if revisions["five"][:12] in line)
    assert revisions["one"] in images(project)

    done = project.shipway("prune").output
    assert "removed" in done
    assert " freed" in done
    assert images(project) == sorted([revisions["four"], revisions["five"]])
    assert images(neighbour) == others
    assert project.answer() == "five"
    project.shipway("rollback", "staging")
    assert project.answer() == "four"
