"""Approvals without signatures: whose they are, and for how long, over real repositories."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from shipway.actions.approvals import Decisions
from shipway.actions.approve import approve
from shipway.domain.errors import GateRefused
from shipway.domain.plan import Approvals
from shipway.domain.release import Approval, Release
from tests.unit.actions.test_authors import ALICE, BOB, CAROL, MALLORY, Team
from tests.unit.system.repositories import commit, git, neutral

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
    made = Team(tmp_path)
    commit(made.path, {".mailmap": f"Bob <{BOB}> Bob <{HOME}>\n"}, email="admin@example.org")
    made.register()
    made.deploy(made.release())
    made.write(ALICE)
    yield made
    made.world.close()


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
        team.world.ledger.add_approval(Approval("shop", "production", release.number, release.digest, who, "", team.world.now))
    assert f"has 0 ({BOB} is an author of it and does not count; {HOME} is an author of it and does not count)" in missing(team, release, TWO)
