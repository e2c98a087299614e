"""Approvals without signatures: whose they are, and for how long, over real repositories."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.projects.approvals import Decisions
from shipway.actions.projects.approve import Signing, approve
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Approvals
from shipway.domain.release import Approval, Release
from shipway.system.git import Repository
from tests.unit.actions.projects.team import ALICE, BOB, CAROL, MALLORY, Team
from tests.unit.system.repositories import commit, git, neutral
from tests.unit.system.test_ssh_signature import made

pytestmark = pytest.mark.usefixtures("neutral")
__all__ = ["neutral"]
HOME = "bob@home.example"
TWO = Approvals(2, not_author=True)


def approved(team: Team, release: Release, who: str, rule: Approvals, reason: str = "") -> Approval:
    """As that person approves it."""
    return approve(dataclasses.replace(team.ctx, actor=who), Decisions(team.ctx, release, "production"), [rule], reason)


def missing(team: Team, release: Release, rule: Approvals) -> str:
    """As a deployment asks."""
    return "; ".join(Decisions(team.ctx, release, "production").missing(rule))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Bob has two addresses by the mailmap of main; the release is by Alice."""
    team = Team(tmp_path)
    commit(team.path, {".mailmap": f"Bob <{BOB}> Bob <{HOME}>\n"}, email="admin@example.org")
    team.register()
    team.deploy(team.release())
    team.write(ALICE)
    yield team
    team.world.close()


@pytest.mark.parametrize("rule", [TWO, Approvals(2)], ids=["not author", "anyone"])
def test_addresses_that_the_mailmap_joins_approve_once(team: Team, rule: Approvals) -> None:
    git(team.path, "switch", "--quiet", "--create", "feature")
    commit(team.path, {".mailmap": ""}, email=MALLORY)  # of no effect: it isn't the protected branch's
    release = team.release()
    for who in (BOB, HOME):
        assert approved(team, release, who, rule).actor == who
    assert "and has 1" in missing(team, release, rule)
    approved(team, release, CAROL, rule)
    assert missing(team, release, rule) == ""


def test_an_author_does_not_approve_by_another_address_of_theirs(team: Team) -> None:
    team.write(HOME)
    release = team.release()
    for who in (BOB, HOME):
        with pytest.raises(GateRefused, match=f"{BOB} is an author of release {release.number}"):
            approved(team, release, who, TWO)
        team.world.ledger.add_approval(
            Approval("shop", "production", release.number, release.digest, who, "", team.world.now)
        )
    assert (
        f"has 0 (the approval of {BOB}, an author of the release, does not count; the approval of {HOME}, an author of the release, does not count)"
        in missing(team, release, TWO)
    )


def test_approving_again_renews_the_term(team: Team) -> None:
    rule, release = Approvals(1, not_author=True, expire=100.0), team.release()
    first = approved(team, release, BOB, rule, "first")
    team.world.now += 95
    again = approved(team, release, BOB, rule, "before it expires")
    assert (again.at - first.at > 90, again.reason) == (True, "before it expires")
    team.world.now += 10
    assert missing(team, release, rule) == ""
    assert "has 1" in missing(team, release, dataclasses.replace(rule, count=2)), "one person still"
    team.world.now += 100
    assert "has expired" in missing(team, release, rule)


def test_a_signature_that_no_rule_requires_is_recorded_without_the_repository(team: Team, tmp_path: Path) -> None:
    """Whose it is, and whether they are an author, is checked by the deployment."""
    rule, release = Approvals(1, not_author=True), team.release()
    gone = dataclasses.replace(team.ctx, actor=CAROL, repository=lambda: Repository.find(tmp_path))
    approval = approve(gone, Decisions(gone, release, "production"), [rule], "", Signing(made(tmp_path, "carol")))
    assert (approval.actor, bool(approval.signature)) == (CAROL, True)
    assert f"whether {CAROL} is an author of the release" in team.world.notes[-1]
    assert missing(team, release, rule) == ""


def test_without_a_term_the_first_approval_is_kept(team: Team) -> None:
    rule, release = Approvals(1, not_author=True), team.release()
    first = approved(team, release, BOB, rule, "first")
    team.world.now += 95
    assert approved(team, release, BOB, rule, "again") == first
    assert team.world.ledger.approvals("shop", "production", release.number) == [first]
