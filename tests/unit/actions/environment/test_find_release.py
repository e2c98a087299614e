"""`r12` is a release; digits alone may also be a version, a date tag or a revision, and are never taken for another one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.find_release import revision_of
from shipway.actions.projects.approvals import Decisions
from shipway.actions.projects.approve import approve
from shipway.actions.projects.approve import find_release as approvable
from shipway.actions.proofs.prove import find_release as provable
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback_order
from shipway.context import Context
from shipway.domain.errors import NothingToRollBack, UsageError
from shipway.domain.release import Evidence, Trigger
from shipway.system.git import Repository
from tests.unit.domain import samples
from tests.unit.system.repositories import commit, git, neutral, repository
from tests.unit.world import World

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
DATE = "20260101"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def shop(world: World, tmp_path: Path) -> Context:
    """Three releases; the first is called 3 too, and the second is of a commit with a date tag."""
    clone = Repository(repository(tmp_path / "work"))
    world.ledger.begin_run("shop", "1" * 40, "tree", Trigger("push", "main", "ada"), 1.0)
    for number in (1, 2, 3):
        made = clone.commit(commit(clone.path, {"app": str(number)}))
        release = dataclasses.replace(
            samples.release(number), number=0, revision=made.revision, tree=made.tree, digest=""
        )
        world.ledger.add_release(release)
    for number, name in ((1, "3"), (2, "v2")):
        world.ledger.add_evidence(Evidence("shop", number, "staging", "version", name, True, "", 1.0))
    git(clone.path, "tag", DATE, "main~1")
    git(clone.path, "branch", "r2", "main~2")
    return dataclasses.replace(world.controller(), repository=lambda: clone)


@pytest.mark.parametrize(("text", "number"), [("r1", 1), ("r3", 3), ("1", 1), ("2", 2), ("v2", 2)])
def test_a_release_to_approve_or_prove(shop: Context, text: str, number: int) -> None:
    assert approvable(shop, "shop", samples.PRODUCTION, text).number == number
    assert provable(shop, "shop", text).number == number


def test_a_date_tag_and_a_revision_of_digits_are_no_numbers(shop: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    assert provable(shop, "shop", DATE).number == 2
    assert provable(shop, "shop", "main").number == 3
    assert provable(shop, "shop", shop.repository().commit("main~2").revision[:9]).number == 1
    with pytest.raises(UsageError, match=f"no release.* {DATE}"):
        approvable(shop, "shop", samples.PRODUCTION, DATE)  # nothing was deployed by it
    git(shop.repository().path, "tag", "1", "main")
    with pytest.raises(UsageError, match="1 is ambiguous: release number 1 is r1, revision 1 is r3"):
        provable(shop, "shop", "1")


def test_what_means_two_releases_is_refused_with_both(shop: Context) -> None:
    for find in (lambda: approvable(shop, "shop", samples.PRODUCTION, "3"), lambda: provable(shop, "shop", "3")):
        with pytest.raises(UsageError, match="3 is ambiguous: version 3 is r1, release number 3 is r3") as caught:
            find()
        assert "such as r1" in caught.value.hint


def test_a_release_to_deploy(shop: Context) -> None:
    clone = shop.repository()
    assert revision_of(shop, clone, "r2") == clone.commit("main~1").revision  # although a branch has that name
    assert revision_of(shop, clone, DATE) == DATE
    with pytest.raises(UsageError, match="no release r9"):
        revision_of(shop, clone, "r9")


def test_a_release_to_roll_back_to(world: World) -> None:
    for number in (1, 2, 3):
        deploy(world.controller(), DeployRequest(world.release(number), samples.STAGING))
    world.ledger.add_evidence(Evidence("shop", 2, "staging", "version", "1", True, "", 1.0))

    def back(to: str) -> int:
        return rollback_order(world.controller(), "shop", "staging", RollbackRequest(to)).release.number

    assert (back("r1"), back("r2"), back("2")) == (1, 2, 2)
    with pytest.raises(UsageError, match="1 is ambiguous, as a release number and as a version: r2, r1"):
        back("1")
    with pytest.raises(NothingToRollBack, match="r7 never ran here") as caught:
        back("r7")
    assert caught.value.hint == "successful releases: 3, 2/1, 1"


def test_hints_where_there_is_nothing_to_name(world: World, shop: Context) -> None:
    with pytest.raises(NothingToRollBack, match="r7 never ran here") as caught:
        rollback_order(world.controller(), "shop", "staging", RollbackRequest("r7"))
    assert caught.value.hint == "no deployment there has succeeded yet: `shipway history` lists them"
    with pytest.raises(UsageError, match="name the release: staging has no preceding environment") as refused:
        approvable(shop, "shop", samples.STAGING, None)
    assert refused.value.hint.startswith("such as r3, the newest one")
    with pytest.raises(UsageError) as refused:
        approvable(shop, "another", samples.STAGING, None)
    assert refused.value.hint == "`shipway run` builds one"


def test_an_approval_of_what_runs_already_says_so(world: World) -> None:
    ctx = world.controller()
    for number in (1, 2):
        deploy(ctx, DeployRequest(world.release(number), samples.STAGING))
    for number in (1, 2):
        release = ctx.ledger.release("shop", number)
        assert release is not None
        approve(ctx, Decisions(ctx, release, "staging", None, None), [], "")
    assert [note for note in world.notes if "already" in note] == [
        "release 2 already runs in staging: the approval only counts if it is deployed there again"
    ]
