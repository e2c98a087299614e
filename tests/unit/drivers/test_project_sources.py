"""Where a command finds an app: by conformance, and how each source differs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.app import parse_plan, project_source
from shipway.context import Context
from shipway.domain.errors import PlanError, RepositoryError
from shipway.domain.registration import STAND_IN, AcceptedRules, Registration
from shipway.domain.release import FAILED, SUCCEEDED, Deployment
from shipway.drivers.project.bare import BareRepository
from shipway.drivers.project.ledger import LedgerProject
from shipway.drivers.project.work_tree import WorkTree
from shipway.ports import ProjectSource
from shipway.system.git import Repository
from shipway.testing.project import ProjectSuite
from tests.unit.system.repositories import ADA, commit, git, repository
from tests.unit.world import World

PLAN = """
app: shop
services: {{web: {{image: "nginx:1"}}}}
environments: {{staging: {{url: "http://{host}.localhost"}}}}
"""


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git reaches ssh://git@server/PATH: the server is this machine."""
    script = tmp_path / "ssh"
    script.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n')
    script.chmod(0o755)
    for name, value in {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_SSH": str(script), "GIT_SSH_VARIANT": "simple"}.items():
        monkeypatch.setenv(name, value)


class Place:
    """A repository that is pushed to; on its branch `feature` the plan says something else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = repository(folder / "work", {"shipway.yaml": PLAN.format(host="main")})
        self.revision = git(self.work, "rev-parse", "HEAD")
        self.bare = folder / "shop.git"
        git(folder, "clone", "--quiet", "--bare", str(self.work), str(self.bare))
        git(self.work, "switch", "--quiet", "--create", "feature")
        self.pushed = commit(self.work, {"shipway.yaml": PLAN.format(host="pushed")})
        git(self.work, "push", "--quiet", str(self.bare), "feature")
        self.world = World(folder / "home")
        self.ctx: Context = self.world.controller()

    def register(self, address: str, path: str = "", branch: str = "main") -> None:
        self.world.ledger.register(Registration("shop", address, "shipway.yaml", branch, "", ADA, 1.0, path))

    def ledger(self) -> LedgerProject:
        return LedgerProject("shop", self.world.ledger, self.folder / "home", parse_plan, self.world.notes.append)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.world.close()


@pytest.fixture
def revision(place: Place) -> str:
    return place.revision


class TestWorkTree(ProjectSuite):
    @pytest.fixture
    def source(self, place: Place) -> ProjectSource:
        return WorkTree(place.work, parse_plan(PLAN.format(host="mine"), "shipway.yaml", lambda path: True))


class TestBareRepository(ProjectSuite):
    @pytest.fixture
    def source(self, place: Place) -> ProjectSource:
        place.register(str(place.bare))
        return BareRepository(Repository(place.bare), place.world.ledger, parse_plan)


class TestLedgerBesideTheRepository(ProjectSuite):
    @pytest.fixture
    def source(self, place: Place) -> ProjectSource:
        place.register("ssh://git@gone.invalid/shop.git", path=str(place.bare))
        return place.ledger()


class TestLedgerAlone(ProjectSuite):
    @pytest.fixture
    def source(self, place: Place) -> ProjectSource:
        place.register(f"ssh://git@server{place.bare}")
        return place.ledger()


def url(source: ProjectSource) -> str:
    return source.plan().environments["staging"].url


@pytest.mark.parametrize("address", ["{bare}", "ssh://git@server{bare}"])
def test_what_a_pushed_commit_says_counts_nowhere(place: Place, address: str) -> None:
    git(place.bare, "symbolic-ref", "HEAD", "refs/heads/feature")
    place.register(address.format(bare=place.bare), path=str(place.bare) if address.startswith("ssh") else "")
    assert url(place.ledger()) == "http://main.localhost"
    assert url(BareRepository(Repository(place.bare), place.world.ledger, parse_plan)) == "http://main.localhost"


def test_the_mirror_follows_the_repository(place: Place) -> None:
    place.register(f"ssh://git@server{place.bare}")
    mirror = place.ledger().clone()
    assert mirror.parent == place.folder / "home/repositories"
    newer = commit(place.work, {"other": "file\n"})
    git(place.work, "push", "--quiet", str(place.bare), "HEAD:main")
    git(place.bare, "branch", "--delete", "--force", "feature")
    git(place.bare, "tag", "v1", newer)
    assert place.ledger().clone() == mirror
    assert Repository(mirror).commit("v1").revision == Repository(mirror).commit("main").revision == newer
    with pytest.raises(RepositoryError):
        Repository(mirror).commit("feature")


def test_an_unreachable_repository_leaves_what_the_ledger_knows(place: Place) -> None:
    place.register(f"ssh://git@server{place.folder}/gone.git")
    with pytest.raises(RepositoryError, match="git fetch failed"):
        place.ledger().clone()
    with pytest.raises(PlanError, match="the ledger has no plan of shop"):
        place.ledger().plan()
    plan = dataclasses.replace(place.world.release(1).plan, app="shop")
    place.world.ledger.accept_rules(AcceptedRules("shop", STAND_IN, plan, (), ADA, "the first plan", 1.0))
    assert place.ledger().plan() == plan
    assert place.world.notes[-1].startswith("the first plan is used: git fetch failed")


def test_without_a_repository_a_release_that_runs_decides_and_not_a_failed_one(place: Place) -> None:
    for number, outcome in ((1, SUCCEEDED), (2, FAILED)):
        release = place.world.release(number)
        record = Deployment(0, "shop", "staging", release.number, "deploy", ADA, "", 1.0)
        place.world.ledger.end_deployment(place.world.ledger.begin_deployment(record), outcome, 2.0, None, "")
    first = place.world.ledger.release("shop", 1)
    assert first is not None
    place.register("/elsewhere/shop.git")
    assert place.ledger().plan() == first.plan
    assert place.world.notes[-1].startswith("the plan of release 1 is used: the repository of shop is not on this")


def test_a_repository_on_another_machine_is_named(place: Place) -> None:
    with pytest.raises(RepositoryError, match="the ledger knows no repository of shop"):
        place.ledger().clone()
    place.register("/elsewhere/shop.git")
    with pytest.raises(RepositoryError, match=r"not on this machine: /elsewhere/shop\.git"):
        place.ledger().clone()


def chosen(place: Place, folder: Path, name: str | None, monkeypatch: pytest.MonkeyPatch) -> ProjectSource:
    monkeypatch.chdir(folder)
    return project_source(place.folder / "home", place.ctx, name)


def test_the_folder_is_the_source_unless_another_app_is_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.register(str(place.bare))
    empty = place.folder / "empty"
    empty.mkdir()
    for name in (None, "shop"):
        assert isinstance(chosen(place, place.work, name, monkeypatch), WorkTree)
        assert isinstance(chosen(place, place.bare, name, monkeypatch), BareRepository)
    assert isinstance(chosen(place, empty, "shop", monkeypatch), LedgerProject)
    for folder in (place.work, place.bare, empty):
        assert chosen(place, folder, "blog", monkeypatch).name == "blog"
        assert not chosen(place, folder, "blog", monkeypatch).is_checkout


def test_an_empty_folder_names_the_apps(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.register(str(place.bare))
    empty = place.folder / "empty"
    empty.mkdir()
    with pytest.raises(PlanError) as caught:
        chosen(place, empty, None, monkeypatch)
    assert "pass --app NAME: the ledger knows shop" in caught.value.hint


def test_a_broken_plan_here_does_not_stop_another_app(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (place.work / "shipway.yaml").write_text("app: [")
    assert isinstance(chosen(place, place.work, "shop", monkeypatch), LedgerProject)
    with pytest.raises(PlanError):
        chosen(place, place.work, None, monkeypatch)


def test_an_empty_bare_repository_has_no_app_and_hides_no_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = place.folder / "empty.git"
    git(place.folder, "init", "--quiet", "--bare", str(empty))
    with pytest.raises(PlanError, match=r"has no shipway\.yaml"):
        chosen(place, empty, None, monkeypatch).plan()
    assert isinstance(chosen(place, empty, "shop", monkeypatch), LedgerProject)
