"""Where news come from that the ledger does not see itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments import admission
from shipway.actions.deployments.admission import Judgement, admitted
from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.messages.news import report
from shipway.actions.runs.pushed import run_pushed
from shipway.actions.runs.webhooks import receive
from shipway.actions.upkeep.retire import retire, retire_due
from shipway.domain.errors import GateRefused, StoreError
from shipway.domain.forge import CLOSED, MERGED, OPENED, UPDATED, Hosted, Person, PullRequest
from shipway.domain.outbox import APPROVAL, OUTSIDE, PULL, RETIRED, UNCHANGED, News
from shipway.domain.release import FAILED, SUCCEEDED, Commit
from shipway.domain.rules import InForce, RuleSet
from shipway.testing.memory_forge import delivery
from tests.unit.actions.messages.told import COMMIT, NAME, URL, Told
from tests.unit.domain.samples import PLAN, STAGING

WARM = dataclasses.replace(STAGING, standby=3600.0)
HERE = Commit("c" * 40, "t" * 40, "ada@example.com", "one")


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def news(told: Told, kind: str) -> list[tuple[str, int, str]]:
    return [(item.environment, item.number, item.detail) for item in told.ledger.news() if item.kind == kind]


@pytest.mark.parametrize(
    ("reasons", "unapproved", "expected"),
    [
        ([], ["needs 1 approval", "and another"], [("staging", 1, "needs 1 approval; and another")]),
        (["it is on no branch"], ["needs 1 approval"], []),
    ],
)
def test_a_release_waits_for_approval_if_nothing_else_is_against_it(
    told: Told, monkeypatch: pytest.MonkeyPatch, reasons: list[str], unapproved: list[str], expected: list[object]
) -> None:
    judgement = Judgement(told.world.release(1), reasons, unapproved, [])
    monkeypatch.setattr(admission, "candidate_of", lambda *given: None)
    monkeypatch.setattr(admission, "judged", lambda *given: judgement)
    rules: Any = InForce("staging", RuleSet("main", "main", "staging", PLAN))
    book: Any = None
    with pytest.raises(GateRefused):
        admitted(told.ctx, HERE, "shop", book, rules)
    assert news(told, APPROVAL) == expected


def test_a_push_that_changes_nothing(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    here: dict[str, Any] = {
        "plans_to_run": lambda *given: ["shipway.yaml"], "plan_at": lambda *given: PLAN,
        "of_plan": lambda repository, commit, plan: dataclasses.replace(commit, revision="other"),
        "unchanged": lambda *given: "shop: unchanged since run 3",
    }  # fmt: skip
    for name, value in here.items():
        monkeypatch.setattr(f"shipway.actions.runs.pushed.{name}", value)

    class Commits:
        def commit(self, revision: str) -> Commit:
            return HERE

    repository: Any = Commits()
    assert run_pushed(told.ctx, repository, [(HERE.revision, "refs/heads/main")], lambda *given: PLAN, print) is None
    assert news(told, UNCHANGED) == [("", 0, f"{HERE.revision} shop: unchanged since run 3")]


@pytest.mark.parametrize("standby", [True, False])
@pytest.mark.parametrize("asked", [True, False])
def test_the_end_of_a_standby(told: Told, asked: bool, standby: bool) -> None:
    environment = WARM if standby else dataclasses.replace(STAGING, standby=0.0)
    for number in (1, 2):
        deploy(told.ctx, DeployRequest(told.world.release(number, environment=environment), environment))
    for _ in range(6):
        told.world.now += 1200
        retire_due(told.ctx, "shop", "staging")
        if asked:
            retire(told.ctx, "shop", "staging")
    found = news(told, RETIRED)
    assert [place for place, _, _ in found] == (["staging"] if standby else [])


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True), ({"action": UPDATED}, True), ({"head": COMMIT[:12]}, True),
        ({"action": CLOSED}, True), ({"head": ""}, False), ({"head": "f" * 40}, False),
    ],
)  # fmt: skip
def test_a_pull_request_that_is_opened_after_its_commit_was_run(
    told: Told, changed: dict[str, Any], expected: bool
) -> None:
    told.run(SUCCEEDED)
    told.deliver()
    told.pull()
    given = PullRequest(Hosted(NAME), 7, OPENED, COMMIT, "feature", NAME, False, "main", Person("1"), "A title", "")
    webhook = told.ledger.webhooks()[0]
    secret = told.ctx.secrets.get("webhooks", "shop")
    assert secret is not None
    sent = delivery([dataclasses.replace(given, **changed)], secret)
    assert receive(told.ctx, webhook, told.forge, *sent) == []
    told.deliver()
    assert bool(told.forge.comments) == expected
    asked = [call for call in told.forge.calls if call.startswith("pull_request_of")]
    assert {call.split()[-1] for call in asked} == {COMMIT}


@pytest.mark.parametrize(("action", "said"), [(CLOSED, "was closed: nothing more"), (MERGED, "was merged.")])
@pytest.mark.parametrize("outside", [True, False])
def test_the_comment_of_a_pull_request_says_that_it_has_ended(
    told: Told, action: Any, said: str, outside: bool
) -> None:
    ref = "refs/pull/7/head" if outside else "refs/heads/feature"
    number = told.run(SUCCEEDED, ref=ref)
    told.pull()
    told.deliver()
    before = told.forge.comments[NAME, 7]["app-shop"]
    told.pull(action=action)
    end(told, action, outside)
    text = told.forge.comments[NAME, 7]["app-shop"]
    assert text.startswith("This pull request was")
    assert said in text
    assert text.endswith(before)
    assert f"run {number} passed" in text
    assert len(told.forge.comments) == 1
    told.run(FAILED, ref="refs/heads/feature")  # of the branch that stays
    told.deliver()
    assert told.forge.comments[NAME, 7]["app-shop"].startswith("This pull request was") or outside


def test_one_that_was_never_checked_waits_for_no_word_any_more(told: Told) -> None:
    told.ledger.add_news(News(OUTSIDE, "shop", "", 7, COMMIT))
    told.deliver()
    assert "shipway run" in told.forge.comments[NAME, 7]["app-shop"]
    end(told, CLOSED, outside=True)
    text = told.forge.comments[NAME, 7]["app-shop"]
    assert "was closed" in text
    assert "shipway run" not in text
    end(told, OPENED, outside=True)  # again
    assert "shipway run" in told.forge.comments[NAME, 7]["app-shop"]


def test_one_of_which_nothing_was_said_gets_no_comment(told: Told) -> None:
    end(told, CLOSED, outside=False)
    assert not told.forge.comments


def end(told: Told, action: Any, outside: bool) -> None:
    """As its forge tells of it."""
    given = PullRequest(Hosted(NAME), 7, action, COMMIT, "feature", NAME, outside, "main", Person("1"), "A title", "")
    secret = told.ctx.secrets.get("webhooks", "shop")
    assert secret is not None
    receive(told.ctx, told.ledger.webhooks()[0], told.forge, *delivery([given], secret))
    told.deliver()


def test_a_pull_request_from_outside_waits_for_a_members_word(told: Told) -> None:
    told.run(SUCCEEDED)
    for head in ("d" * 40, "e" * 40):
        told.ledger.add_news(News(OUTSIDE, "shop", "", 7, head))
        told.deliver()
        text = told.forge.comments[NAME, 7]["app-shop"]
        assert f"shipway run {head} --pull-request 7 --app shop" in text
        assert f"{URL}/apps/shop/runs?pull=7&commit={head}#check" in text
    number = told.run(SUCCEEDED, commit="e" * 40, ref="refs/pull/7/head")
    told.deliver()
    text = told.forge.comments[NAME, 7]["app-shop"]
    assert f"run {number} passed" in text
    assert told.statuses("e" * 40)["shipway/shop"].state == "success"
    told.ledger.add_news(News(OUTSIDE, "shop", "", 7, "e" * 40))  # it was opened again
    told.deliver()
    assert told.forge.comments[NAME, 7]["app-shop"] == text
    assert not [call for call in told.forge.calls if call.startswith("pull_request_of") and "eee" in call]


@pytest.mark.parametrize("outside", [True, False])
def test_a_pull_request_of_a_forge(told: Told, outside: bool) -> None:
    given = PullRequest(Hosted(NAME), 7, OPENED, COMMIT, "feature", "x/y", outside, "main", Person("1"), "A title", "")
    secret = told.ctx.secrets.get("webhooks", "shop")
    assert secret is not None
    receive(told.ctx, told.ledger.webhooks()[0], told.forge, *delivery([given], secret))
    told.run(SUCCEEDED, ref="refs/tags/v1")
    assert news(told, OUTSIDE if outside else PULL) == [("", 7, COMMIT)]
    assert news(told, PULL if outside else OUTSIDE) == []


def test_news_that_can_not_be_kept_fail_nothing(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(news: object) -> None:
        raise StoreError("away")

    monkeypatch.setattr(told.ledger, "add_news", away)
    report(told.ctx, PULL, "shop", "", 1)
