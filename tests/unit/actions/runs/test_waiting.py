"""Deployments that wait for approvals or for the end of a hold: they go out once, and only if nothing is against them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.environment.environments import KnownApp
from shipway.actions.people.manage import add_person, grant, remove_person
from shipway.actions.people.tokens import create_token, revoke_token
from shipway.actions.runs.waiting import due, reject, sources, take_up
from shipway.actions.upkeep.cancel import cancel_waiting_there
from shipway.context import Context
from shipway.domain.errors import (
    DeploymentWaits,
    GateRefused,
    NotAllowed,
    UsageError,
)  # fmt: skip
from shipway.domain.permissions import RELEASER
from shipway.domain.release import CANCELLED, FAILED, SUCCEEDED, SUPERSEDED, Deployment
from shipway.system.git import Repository
from tests.unit.actions.deployments.host_deployment import STAGING, parse_plan, text
from tests.unit.actions.runs.waiting import ADA, ASKING, EVE, GRACE, WHERE, Place, place
from tests.unit.system.test_git import git

__all__ = ["place"]


def test_a_tag_before_its_approval_waits_and_goes_out_with_the_last_one(place: Place) -> None:
    with pytest.raises(DeploymentWaits) as told:
        place.push("v1")
    assert "shipway approve production r1" in told.value.hint
    assert "shipway cancel production" in told.value.hint
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert (found.release, found.actor, found.ref) == (1, ADA, "refs/tags/v1")
    assert "needs 2 approvals and has 0" in found.why[0]
    assert due(place.ctx) == [], "nothing was decided since"
    place.approve(place.first, GRACE)
    assert [item.id for item in due(place.ctx)] == [found.id]
    assert place.take_up() is None
    assert due(place.ctx) == []
    place.approve(place.first, EVE)
    done = place.take_up()
    assert done is not None
    assert (done.release, done.outcome, done.actor) == (1, SUCCEEDED, ADA)
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert place.take_up() is None
    assert place.history() == [(1, SUCCEEDED)]


def test_what_else_is_against_it_leaves_nothing_waiting(place: Place) -> None:
    revision = place.commit("never validated")
    git(place.path, "tag", "v2")
    place.runs(revision, FAILED)
    with pytest.raises(GateRefused) as refused:
        place.push("v2")
    assert not isinstance(refused.value, DeploymentWaits)
    assert "not validated on staging" in refused.value.message
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_a_person_s_deployment_is_refused_and_does_not_wait(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted

    book = place.book()
    with pytest.raises(DeploymentWaits, match="needs 2 approvals"):
        admitted(
            place.ctx, place.repository.commit("v1"), "shop", book, book.of(place.ctx, "production"), "refs/tags/v1"
        )
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_a_moved_tag_is_dropped_and_says_why(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    git(place.path, "tag", "--force", "v1", place.commit("another"))
    with pytest.raises(GateRefused, match="the tag v1 now points to"):
        place.take_up()
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.release) == (FAILED, 1)
    assert record.detail.startswith("refused: the tag v1 now points to")
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_rules_that_changed_refuse_it(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    place.commit("stricter", text(staging=STAGING, production={**ASKING, "on": {"tag": "release-*", "branch": "main"}}))
    with pytest.raises(GateRefused, match="accepts only revisions with a tag like 'release-"):
        place.take_up()
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert place.running() == 0


def test_an_approval_that_expired_meanwhile_does_not_count(place: Place) -> None:
    place.commit("shorter", text(staging=STAGING, production={**ASKING, "approvals": {"count": 2, "expire": "1h"}}))
    release = place.tagged("two", "v2")
    place.waits("v2")
    place.approve(release, GRACE)
    place.world.now += 3700
    place.approve(release, EVE)
    assert place.take_up() is None
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert "the approval of grace@example.org has expired" in found.why[0]


def test_a_newer_one_supersedes_it_and_an_older_one_does_not_come_back(place: Place) -> None:
    second = place.tagged("two", "v2")
    place.waits("v1")
    place.waits("v2")
    assert place.history() == [(1, SUPERSEDED)]
    with pytest.raises(DeploymentWaits, match=r"release 1 is superseded: release 2 of .* waits there already"):
        place.push("v1")
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert found.release == second.number
    place.approve(second, GRACE, EVE)
    place.take_up()
    assert place.history() == [(2, SUCCEEDED), (1, SUPERSEDED), (1, SUPERSEDED)]


def test_a_newer_deployment_supersedes_it(place: Place) -> None:
    second = place.tagged("two", "v2")
    place.waits("v1")
    deploy(place.world.controller(), DeployRequest(second, second.plan.environments["production"]))
    assert len(due(place.ctx)) == 1
    place.approve(place.first, GRACE, EVE)
    assert place.take_up() is None
    newest = place.ctx.ledger.deployments(*WHERE)[0]
    assert (newest.outcome, newest.release) == (SUPERSEDED, 1)
    assert "release 2 of" in newest.detail
    assert place.running() == 2


def test_who_deploys_it_by_hand_ends_the_waiting(place: Place) -> None:
    place.waits()
    deploy(place.world.controller(), DeployRequest(place.first, place.first.plan.environments["production"]))
    assert place.ctx.ledger.waiting(*WHERE) is None
    assert place.take_up() is None
    assert place.history() == [(1, SUCCEEDED)]


def test_an_environment_that_was_destroyed_meanwhile_does_not_come_back(place: Place) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    place.world.now += 10
    record = Deployment(0, *WHERE, 1, "destroy", "ada", "", place.ctx.clock())
    place.ctx.ledger.end_deployment(place.ctx.ledger.begin_deployment(record), SUCCEEDED, place.ctx.clock(), None, "")
    assert place.take_up() is None
    newest = place.ctx.ledger.deployments(*WHERE)[0]
    assert (newest.outcome, newest.detail) == (FAILED, "refused: the environment was destroyed meanwhile")


def test_a_checkout_without_the_commit_uses_the_recorded_repository(place: Place, tmp_path: Path) -> None:
    place.waits()
    place.approve(place.first, GRACE, EVE)
    git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "staging", f"file://{place.path}", "another")
    own = replace(place.world.controller(), repository=lambda: Repository(tmp_path / "another"))
    known = KnownApp(own, "shop", None)
    asked: list[str] = []

    def recorded(ctx: Context, app: str) -> Repository:
        asked.append(app)
        return place.repository

    assert take_up(own, *WHERE, sources(known, parse_plan, recorded)) is not None
    assert asked == ["shop"]


def test_cancelled_by_a_person(place: Place) -> None:
    place.waits()
    cancel_waiting_there(replace(place.world.controller(), actor=EVE), *WHERE, "not today")
    place.approve(place.first, GRACE, EVE)
    assert place.take_up() is None
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.detail) == (CANCELLED, f"cancelled by {EVE}: not today")


def test_rejected_by_a_person_and_overruled_by_approvals(place: Place) -> None:
    place.waits()
    own = replace(place.world.controller(), actor=EVE)
    for release, reason, why in (
        (place.first.number, " ", "needs a reason"),
        (place.first.number + 7, "no", "no deployment of release"),
    ):
        with pytest.raises(UsageError, match=why):
            reject(own, *WHERE, release, reason)
    assert place.ctx.ledger.waiting(*WHERE) is not None
    assert reject(own, *WHERE, place.first.number, "the texts are not ready").release == place.first.number
    with pytest.raises(UsageError, match="no deployment waits"):
        reject(own, *WHERE, None, "again")
    (record,) = place.ctx.ledger.deployments(*WHERE)
    assert (record.outcome, record.detail) == (CANCELLED, f"rejected by {EVE}: the texts are not ready")
    assert place.take_up() is None
    place.approve(place.first, GRACE, EVE)
    place.push("v1")
    assert place.history() == [(1, SUCCEEDED), (1, CANCELLED)]


def test_what_has_begun_is_not_rejected(place: Place) -> None:
    place.waits()
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    place.ctx.ledger.begin_waiting(found.id)
    with pytest.raises(UsageError, match="it has begun"):
        reject(place.world.controller(), *WHERE, None, "no")
    assert place.ctx.ledger.waiting(*WHERE) is not None


def test_who_pushed_must_still_be_allowed_to_deploy(place: Place) -> None:
    add_person(place.ctx, None, ADA)
    grant(place.ctx, None, ADA, RELEASER, "shop")
    with pytest.raises(DeploymentWaits):
        place.push("v1", person=ADA)
    remove_person(place.ctx, None, ADA)
    place.approve(place.first, GRACE, EVE)
    with pytest.raises(NotAllowed):
        place.take_up()
    assert place.history() == [(1, FAILED)]


@pytest.mark.parametrize("how", ["revoked", "expired", "limited"])
def test_the_token_of_a_push_must_still_count(place: Place, how: str) -> None:
    add_person(place.ctx, None, ADA)
    grant(place.ctx, None, ADA, RELEASER, "shop")
    permissions = ["see"] if how == "limited" else ["deploy.protected"]
    made = create_token(place.ctx, None, ADA, "git", permissions, 1).record
    with pytest.raises(DeploymentWaits):
        place.push("v1", person=ADA, token=made.id)
    place.approve(place.first, GRACE, EVE)
    if how == "revoked":
        revoke_token(place.ctx, None, made.id)
    if how == "expired":
        place.world.now += 2 * 86400
    with pytest.raises(NotAllowed):
        place.take_up()
    assert place.history() == [(1, FAILED)]
    assert place.ctx.ledger.waiting(*WHERE) is None


def test_a_token_that_counts_lets_it_go_out(place: Place) -> None:
    add_person(place.ctx, None, ADA)
    grant(place.ctx, None, ADA, RELEASER, "shop")
    made = create_token(place.ctx, None, ADA, "git", ["deploy.protected"], 1).record
    with pytest.raises(DeploymentWaits):
        place.push("v1", person=ADA, token=made.id)
    place.approve(place.first, GRACE, EVE)
    assert place.take_up() is not None
    assert place.running() == 1
