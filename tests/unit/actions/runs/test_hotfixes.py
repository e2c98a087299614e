"""Hotfixes skip the validation, with more approvals, where each rule set allows them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.domain.errors import (
    DeploymentWaits,
    GateRefused,
)  # fmt: skip
from shipway.domain.release import FAILED
from tests.unit.actions.deployments.host_deployment import STAGING, text
from tests.unit.actions.runs.waiting import ASKING, EVE, GRACE, WHERE, Place, place
from tests.unit.system.test_git import git

__all__ = ["place"]


def hotfix(place: Place, running: object, protected: object) -> Callable[[str], DeployRequest]:
    """A tag whose release staging never validated, and what asks for its deployment."""
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.waits import Asked

    place.commit("rules", text(staging=STAGING, production=running))
    before = place.tagged("before", "v2")
    deploy(place.ctx, DeployRequest(before, before.plan.environments["production"]))
    revision = place.commit("fix", text(staging=STAGING, production=protected))
    git(place.path, "tag", "v3")
    place.runs(revision, FAILED)

    def ask(reason: str) -> DeployRequest:
        book = place.book()
        in_force, commit = book.of(place.ctx, "production"), place.repository.commit("v3")
        return admitted(place.ctx, commit, "shop", book, in_force, "refs/tags/v3", Asked(hotfix=reason))

    return ask


ALLOWED = {**ASKING, "approvals": {"count": 1}, "hotfix": {"approvals": 2}}


def test_a_hotfix_skips_the_validation_with_one_approval_more_and_is_marked_for_ever(place: Place) -> None:
    from shipway.actions.deployments.waits import hotfix_of

    ask = hotfix(place, ALLOWED, ALLOWED)
    with pytest.raises(GateRefused, match="was not validated on staging"):
        ask("")
    newest = place.ctx.ledger.releases("shop", limit=1)[0]
    place.approve(newest, GRACE)
    with pytest.raises(DeploymentWaits, match="needs 2 approvals and has 1") as told:
        ask("nobody can pay")
    assert "shipway deploy production v3 --hotfix --reason TEXT" in told.value.hint
    place.approve(newest, EVE)
    done = deploy(place.ctx, ask("nobody can pay"))
    assert done is not None
    assert done.reason == "v3: fix; a hotfix, since nobody can pay"
    assert hotfix_of(place.ctx, *WHERE, newest.number) == "nobody can pay"
    assert hotfix_of(place.ctx, *WHERE, newest.number - 1) == ""


@pytest.mark.parametrize("strict", ["running", "protected"])
def test_a_hotfix_must_be_allowed_by_each_rule_set(place: Place, strict: str) -> None:
    closed = {key: value for key, value in ALLOWED.items() if key != "hotfix"}
    rules = {"running": ALLOWED, "protected": ALLOWED, strict: closed}
    ask = hotfix(place, rules["running"], rules["protected"])
    place.approve(place.ctx.ledger.releases("shop", limit=1)[0], GRACE, EVE)
    with pytest.raises(GateRefused, match="production allows no hotfix") as refused:
        ask("nobody can pay")
    assert not isinstance(refused.value, DeploymentWaits)


def test_each_rule_set_asks_for_its_approvals_of_a_hotfix(place: Place) -> None:
    ask = hotfix(place, {**ALLOWED, "hotfix": {"approvals": 3}}, ALLOWED)
    place.approve(place.ctx.ledger.releases("shop", limit=1)[0], GRACE, EVE)
    with pytest.raises(DeploymentWaits, match=r"needs 3 approvals and has 2 \(a rule of release 2, which runs there\)"):
        ask("nobody can pay")
