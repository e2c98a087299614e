"""A pull request from another repository: its checks run when a member says so, with nothing that is not for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.projects.in_force import read_rules
from shipway.actions.provenance.keys import create_key
from shipway.actions.runs.outside import run_pull_request
from shipway.actions.runs.webhooks import add_webhook
from shipway.app import parse_plan
from shipway.domain.errors import GateRefused, RepositoryError, UsageError
from shipway.domain.release import SUCCEEDED
from shipway.steps.run import OTHER, Run
from shipway.system.git import Repository
from shipway.system.mirror import mirror
from tests.unit.actions.projects.test_plans import text
from tests.unit.system.repositories import commit, git, neutral
from tests.unit.world import World

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
FILE = "shipway.yaml"
UNIT = {"unit": {"image": "python:3", "run": "pytest"}}
PLAN = text("shop", registry={"address": "registry.example/shop"}, pipeline=UNIT)


class Place:
    """An app at a forge, where somebody proposed a commit from a repository of theirs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, forge: str = "github", ref: str = "pull") -> None:
        self.world = World(folder / "world")
        self.ctx = self.world.controller()
        self.work, self.forge = folder / "work", folder / "forge.git"
        self.work.mkdir()
        git(self.work, "init", "--quiet")
        self.first = commit(self.work, {FILE: PLAN, "web/Dockerfile": "FROM x\n"})
        git(folder, "clone", "--quiet", "--bare", str(self.work), str(self.forge))
        self.ref = f"refs/{ref}/7/head"
        add_webhook(self.ctx, "shop", forge, f"file://{self.forge}")
        self.ran: list[Run] = []
        self.bind()
        monkeypatch.setattr("shipway.actions.runs.run.run_steps", self._steps)

    def bind(self) -> None:
        """As the first push does."""
        repository = Repository(mirror(self.ctx.home, f"file://{self.forge}"))
        plan = parse_plan(PLAN, FILE, lambda path: True)
        read_rules(self.ctx, repository, plan, parse_plan, protected="main")

    def _steps(self, run: Run, steps: Any, resumed: Any) -> dict[str, Any]:
        self.ran.append(run)
        return {}

    def propose(self, **files: str) -> str:
        """A commit that only the pull request has."""
        made = commit(self.work, {"name": "theirs", **{name.replace("__", "."): item for name, item in files.items()}})
        git(self.work, "push", "--quiet", "--force", str(self.forge), f"HEAD:{self.ref}")
        return made

    def run(self, revision: str | None = None, number: int = 7) -> int:
        """revision: by default what the member finds there."""
        if revision is None:
            revision = git(self.forge, "for-each-ref", "--format=%(objectname)", self.ref).strip() or "a" * 40
        return run_pull_request(self.ctx, "shop", number, revision, parse_plan)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path, monkeypatch)
    yield made
    made.world.close()


def test_its_checks_run_without_anything_of_the_team(place: Place) -> None:
    head = place.propose()
    number = place.run(head)
    record = place.ctx.ledger.run("shop", number)
    assert record is not None
    assert (record.revision, record.outcome, record.trigger.kind) == (head, SUCCEEDED, "pull")
    assert record.trigger.ref == "refs/pull/7/head"
    [run] = place.ran
    assert (run.outside, run.counts, run.level, run.granted) == (True, False, OTHER, False)
    assert run.plan.registry is None
    assert place.ctx.ledger.releases("shop") == []
    assert not place.ctx.ledger.deployments("shop")


def test_nothing_of_it_is_signed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the team has a key, and its plan asks for it."""
    create_key(place.ctx, "shop")
    monkeypatch.setattr("shipway.actions.runs.run.complete", lambda *given: pytest.fail("it would be signed"))
    place.propose(shipway__yaml=text("shop", pipeline=UNIT, services={"web": {"image": "python:3"}}))
    place.run()
    assert len(place.ran) == 1
    assert not place.world.images.registry.parts


def test_a_commit_that_is_on_the_protected_branch_too_is_no_less_outside(place: Place) -> None:
    git(place.work, "push", "--quiet", str(place.forge), f"{place.first}:{place.ref}")
    place.run()
    assert (place.ran[0].granted, place.ran[0].counts) == (False, False)


def test_nothing_of_it_gets_into_a_branch_or_the_mirror(place: Place) -> None:
    head = place.propose()
    place.run()
    kept = Repository(mirror(place.ctx.home, f"file://{place.forge}"))
    assert not kept.has(head)
    registration = place.ctx.ledger.registration("shop")
    assert registration is not None
    assert not registration.address.endswith("-pulls.git")


def test_what_a_member_has_read_is_what_runs(place: Place) -> None:
    read, newer = place.propose(), place.propose(other="changed")
    with pytest.raises(UsageError, match=f"is at {newer[:12]} now") as caught:
        place.run(read)
    assert "read what has changed" in caught.value.hint
    assert not place.ran
    place.run(newer)


def test_the_beginning_of_a_commits_name_is_not_enough(place: Place) -> None:
    """Its author could make another commit that begins like the one that was read: for 12 digits, in a day."""
    head = place.propose()
    for read in (head[:7], head[:12], head[:39], ""):
        with pytest.raises(UsageError, match="full commit hash") as caught:
            place.run(read)
        assert head not in f"{caught.value.message} {caught.value.hint}"  # else it would be copied unread
    assert not place.ran


def test_its_plan_can_not_be_another_apps(place: Place) -> None:
    place.propose(shipway__yaml=text("blog", pipeline=UNIT))
    with pytest.raises(GateRefused, match="is of the app blog, not of shop"):
        place.run()
    assert place.ctx.ledger.apps() == ["shop"]


def test_its_plan_grants_its_steps_nothing(place: Place) -> None:
    steps = {"unit": {"image": "python:3", "run": "pytest", "security": {"capabilities": ["SYS_PTRACE"]}}}
    place.propose(shipway__yaml=text("shop", pipeline=steps))
    with pytest.raises(GateRefused, match="SYS_PTRACE"):
        place.run()
    assert not place.ran


def test_a_pull_request_that_is_not_there(place: Place) -> None:
    with pytest.raises(RepositoryError):
        place.run(number=8)


def test_an_app_without_a_webhook(place: Place) -> None:
    place.ctx.ledger.remove_webhook("shop")
    with pytest.raises(UsageError, match="has no webhook"):
        place.run()


def test_forges_keep_them_at_different_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab").mkdir()
    lab = Place(tmp_path / "lab", monkeypatch, "gitlab", "merge-requests")
    lab.propose()
    lab.run()
    (tmp_path / "bucket").mkdir()
    bucket = Place(tmp_path / "bucket", monkeypatch, "bitbucket")
    bucket.propose()
    with pytest.raises(UsageError, match="keeps no commits"):
        bucket.run()
    for made in (lab, bucket):
        made.world.close()
