"""A push by a person of the server does what their roles allow: whatever app its plan names, wherever that deploys."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.people.manage import add_person, grant, remove_person
from shipway.actions.people.tokens import create_token, revoke_token
from shipway.actions.runs.pushed import run_pushed
from shipway.domain.errors import NotAllowed, NotSignedIn, ShipwayError
from shipway.domain.permissions import ADMIN, ALL, DEVELOPER, RELEASER
from shipway.domain.plan import Environment
from shipway.domain.release import Commit
from shipway.domain.rules import InForce, RuleSet
from tests.unit.domain.samples import PLAN
from tests.unit.world import World

ADA = "ada@example.com"
WHERE = dataclasses.replace(PLAN, environments={
    "staging": PLAN.environments["staging"], "production": Environment("production", "", after="staging"),
})  # fmt: skip


class Commits:
    """Of a repository."""

    def commit(self, revision: str) -> Commit:
        return Commit(revision, "t" * 40, "ada@example.com", "one")


class Push:
    """Of a commit whose plan names an app, and which the rules deploy somewhere."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = World(folder)
        self.ctx = self.world.controller()
        self.ran: list[str] = []
        self.told: list[ShipwayError] = []
        self._patch = monkeypatch
        add_person(self.ctx, None, ADA)

    def run(self, environment: str, app: str = "shop", person: str = ADA, token: int = 0) -> ShipwayError | None:
        """What the push of this person ends with."""

        def runs(*given: Any, may: Any, **rest: Any) -> None:
            if may is not None:
                may(app, InForce(environment, RuleSet("main", "main", environment, WHERE)))
            self.ran.append(f"{app}/{environment}")

        here: dict[str, Any] = {
            "plans_to_run": lambda *given: ["shipway.yaml"], "plan_at": lambda *given: dataclasses.replace(WHERE, app=app),
            "of_plan": lambda repository, commit, plan: commit, "unchanged": lambda *given: "", "run": runs,
        }  # fmt: skip
        for name, value in here.items():
            self._patch.setattr(f"shipway.actions.runs.pushed.{name}", value)
        return run_pushed(
            self.ctx, Commits(), [("a" * 40, "refs/heads/main")], lambda *given: PLAN,
            lambda ctx, error: self.told.append(error), actor=ADA, person=person, token=token,
        )  # fmt: skip


@pytest.fixture
def push(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Push:
    return Push(tmp_path, monkeypatch)


def test_a_protected_environment_needs_the_releaser(push: Push) -> None:
    grant(push.ctx, None, ADA, DEVELOPER, "shop")
    assert push.run("staging") is None
    assert isinstance(push.run("production"), NotAllowed)
    assert "deploy.protected" in str(push.told[-1])
    grant(push.ctx, None, ADA, RELEASER, "shop")
    assert push.run("production") is None
    assert push.ran == ["shop/staging", "shop/production"]


def test_a_token_pushes_no_further_than_it_was_made_for(push: Push) -> None:
    grant(push.ctx, None, ADA, RELEASER)
    both = ["run", "deploy"]
    for permissions, app, environment, deploys in (
        (["see", "run"], ALL, ALL, False), (["deploy"], ALL, ALL, False), (both, "shop", "production", False),
        (both, "other", ALL, False), (both, "shop", "staging", True), (both, ALL, ALL, True),
    ):  # fmt: skip
        made = create_token(push.ctx, None, ADA, "git", permissions, 1, app=app, environment=environment).record
        found = push.run("staging", token=made.id)
        assert (found is None) is deploys, (permissions, app, environment)
        assert found is None or isinstance(found, NotAllowed)
        assert isinstance(push.run("production", token=made.id), NotAllowed)
    assert push.ran == ["shop/staging"] * 2


def test_a_token_that_ended_while_its_push_waited_pushes_nothing(push: Push) -> None:
    grant(push.ctx, None, ADA, RELEASER)
    made = create_token(push.ctx, None, ADA, "git", ["run", "deploy"], 1).record
    revoke_token(push.ctx, None, made.id)
    for number in (made.id, made.id + 1):
        with pytest.raises(NotSignedIn):
            push.run("staging", token=number)
    assert push.ran == []


def test_a_role_for_an_environment_deploys_no_other(push: Push) -> None:
    grant(push.ctx, None, ADA, DEVELOPER, "shop", "preview")
    assert isinstance(push.run("staging"), NotAllowed)
    assert push.ran == []


def test_the_plan_of_another_app_needs_a_role_for_that(push: Push) -> None:
    grant(push.ctx, None, ADA, ADMIN, "shop")
    assert isinstance(push.run("staging", app="billing"), NotAllowed)
    grant(push.ctx, None, ADA, DEVELOPER, "billing")
    assert push.run("staging", app="billing") is None
    assert push.ran == ["billing/staging"]


def test_who_was_removed_meanwhile_runs_nothing(push: Push) -> None:
    grant(push.ctx, None, ADA, ADMIN, ALL)
    remove_person(push.ctx, None, ADA)
    assert isinstance(push.run("staging"), NotAllowed)
    assert push.ran == []


def test_who_the_server_does_not_know_is_judged_by_the_rules_alone(push: Push) -> None:
    assert push.run("production", person="") is None
