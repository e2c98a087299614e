"""After a rollback, and during a freeze, a push waits until a person or the clock ends that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.deployments.waits import end_hold, hold_of
from shipway.actions.rollbacks.rollback import RollbackRequest, rollback
from shipway.actions.runs.waiting import due
from shipway.cli.status import waiting_lines
from shipway.domain.errors import (
    DeploymentWaits,
    GateRefused,
)  # fmt: skip
from shipway.domain.release import SUCCEEDED, Deployment, Release
from shipway.domain.waiting import Hold
from tests.unit.actions.deployments.host_deployment import STAGING, text
from tests.unit.actions.runs.waiting import ASKING, EVE, GRACE, WHERE, Place, place
from tests.unit.system.test_git import git

__all__ = ["place"]


def rolled_back(place: Place) -> tuple[Release, Release]:
    second = place.tagged("two", "v2")
    for release in (place.first, second):
        deploy(place.world.controller(), DeployRequest(release, release.plan.environments["production"]))
    own = replace(place.world.controller(), actor=EVE)
    rollback(own, *WHERE, RollbackRequest(reason="v2 is slow"))
    return place.first, second


def test_a_rollback_holds_pushes_until_a_person_ends_that(place: Place) -> None:
    rolled_back(place)
    hold = hold_of(place.ctx, *WHERE)
    assert hold is not None
    assert (hold.release, hold.actor, hold.reason) == (2, EVE, "v2 is slow")
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    with pytest.raises(DeploymentWaits, match=f"{EVE} rolled back release 2") as told:
        place.push("v3")
    assert "shipway resume production" in told.value.hint
    assert place.take_up() is None
    assert place.running() == 1
    assert end_hold(place.ctx, *WHERE, "fixed")
    assert not end_hold(place.ctx, *WHERE, "again")
    assert len(due(place.ctx)) == 1
    assert place.take_up() is not None
    assert place.running() == 3


def test_a_person_deploys_during_a_hold_only_if_they_say_so(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.waits import Asked

    rolled_back(place)
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    book, commit = place.book(), place.repository.commit("v3")

    def ask(asked: Asked) -> DeployRequest:
        return admitted(place.ctx, commit, "shop", book, book.of(place.ctx, "production"), "refs/tags/v3", asked)

    with pytest.raises(GateRefused, match="is on hold") as refused:
        ask(Asked())
    assert "--resume" in refused.value.hint
    deploy(place.ctx, ask(Asked(resume=True)))
    assert hold_of(place.ctx, *WHERE) is None


def test_a_rollback_while_a_run_waited_for_the_lock_holds_it(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted

    second = place.tagged("two", "v2")
    for release in (place.first, second):
        deploy(place.world.controller(), DeployRequest(release, release.plan.environments["production"]))
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    book, commit = place.book(), place.repository.commit("v3")
    in_force = book.of(place.ctx, "production")
    order = admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v3")
    rollback(place.world.controller(), *WHERE, RollbackRequest())
    with pytest.raises(GateRefused, match=r"is on hold|rejects"):
        deploy(place.ctx, order)
    assert place.running() == 1


FROZEN = {**ASKING, "approvals": {"count": 1}, "freeze": {"from": "1970-01-01 01:00", "to": "1970-01-01 02:00"}}


def frozen(place: Place) -> Release:
    """A release with its approval, whose deployment is asked for within a freeze of the protected plan."""
    place.commit("frozen", text(staging=STAGING, production=FROZEN))
    release = place.tagged(
        "two", "v2", text(staging=STAGING, production={**FROZEN, "freeze": {"from": "2026-01-01", "to": "2026-01-01"}})
    )
    git(place.path, "revert", "--no-edit", "HEAD")  # main has the freeze, the tag's commit another
    place.approve(release, GRACE)
    place.world.now = 4000.0
    return release


def test_within_a_freeze_a_push_waits_for_its_end(place: Place) -> None:
    frozen(place)
    with pytest.raises(DeploymentWaits, match=r"production is frozen until 1970-01-01 02:00 UTC") as told:
        place.push("v2")
    assert "`shipway tick` takes it up" in told.value.hint
    found = place.ctx.ledger.waiting(*WHERE)
    assert found is not None
    assert found.until == 7200.0
    assert due(place.ctx) == []
    assert place.take_up() is None
    place.world.now = 7200.0
    assert [item.id for item in due(place.ctx)] == [found.id]
    assert place.take_up() is not None
    assert place.running() == 2


def test_a_freeze_of_the_release_that_runs_counts_too_and_a_rollback_is_exempt(place: Place) -> None:
    release = frozen(place)
    place.commit("thawed", text(staging=STAGING, production=ASKING))
    deploy(place.ctx, DeployRequest(place.first, place.first.plan.environments["production"]))
    deploy(place.ctx, DeployRequest(release, release.plan.environments["production"]))
    third = place.tagged("three", "v3")
    place.approve(third, GRACE, EVE)
    place.world.now = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
    with pytest.raises(
        DeploymentWaits, match=r"is frozen until 2026-01-02 00:00 UTC .* \(a rule of release 2, which runs there\)"
    ):
        place.push("v3")
    rollback(place.world.controller(), *WHERE, RollbackRequest())
    assert place.running() == 1


def test_a_freeze_that_begins_while_a_run_waits_for_the_lock_stops_it(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted

    frozen(place)
    place.world.now = 3000.0
    book = place.book()
    order = admitted(
        place.ctx, place.repository.commit("v2"), "shop", book, book.of(place.ctx, "production"), "refs/tags/v2"
    )
    place.world.now = 3600.0
    with pytest.raises(DeploymentWaits, match="is frozen until") as told:
        deploy(place.ctx, order)
    assert told.value.until == 7200.0


def test_a_person_overrides_a_freeze_with_a_reason_that_is_recorded(place: Place) -> None:
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.waits import Asked

    frozen(place)
    book = place.book()
    in_force, commit = book.of(place.ctx, "production"), place.repository.commit("v2")
    with pytest.raises(GateRefused, match="is frozen until") as refused:
        admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v2")
    assert "--override-freeze --reason TEXT" in refused.value.hint
    asked = Asked(despite_freeze="customers can't pay")
    done = deploy(place.ctx, admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v2", asked))
    assert done is not None
    assert done.reason == "v2: two; despite the freeze, since customers can't pay"


def test_a_destroyed_environment_is_not_on_hold(place: Place) -> None:
    rolled_back(place)
    record = Deployment(0, *WHERE, 1, "destroy", "ada", "", place.ctx.clock())
    place.ctx.ledger.end_deployment(place.ctx.ledger.begin_deployment(record), SUCCEEDED, place.ctx.clock(), None, "")
    assert hold_of(place.ctx, *WHERE) is None


def test_the_status_says_it_once() -> None:
    hold = Hold("shop", "production", True, 2, "ada@example.org", "slow\nsince noon", 0.0)
    (line,) = waiting_lines("production", None, hold)
    cause = "ada@example.org rolled back release 2 at 1970-01-01 00:00:00: slow since noon"
    assert line.endswith(f": {cause}; `shipway resume production` ends it")
    assert line.count("on hold") == 1
