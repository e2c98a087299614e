"""Projects for the system tests, taken away with all that they left on the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conformance.labs import DockerLab
from tests.system.tiny import Tiny

Make = Callable[..., Tiny]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Make]:
    """Makes a project; all of them are destroyed when the module is done."""
    made: list[Tiny] = []

    def make_one(*, database: bool = False, folder: Path | None = None, port: int = 8080) -> Tiny:
        project = Tiny(folder or tmp_path_factory.mktemp("tiny"), database=database, port=port)
        made.append(project)
        project.create()
        return project

    yield make_one
    for project in made:
        project.destroy()
    left = [name for project in made for name in (*project.containers(), *project.networks(), *project.volumes())]
    assert not left, "destroy left something"


@pytest.fixture(scope="module")
def lab() -> Iterator[DockerLab]:
    """A corner of this machine's engine."""
    made = DockerLab()
    yield made
    made.close()


@pytest.fixture(scope="module")
def bare(make: Make) -> Tiny:
    """A project that was never deployed, for tests that leave it as it was."""
    return make()


@pytest.fixture(scope="module")
def served(make: Make) -> Tiny:
    """A project whose release 1 serves on staging, for tests that leave it as it was."""
    project = make()
    project.shipway("run", "staging")
    return project
