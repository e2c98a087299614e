"""What a forge is told: statuses of commits, and the comment of a pull request."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from shipway.actions.deployments.deploy import deploy
from shipway.actions.deployments.plan import DeployRequest
from shipway.actions.messages.comment import code, marker
from shipway.domain.forge import ERROR, FAILURE, MERGED, PENDING, SUCCESS
from shipway.domain.outbox import PULL, UNCHANGED, News
from shipway.domain.proof import SAFE
from shipway.domain.release import CANCELLED, FAILED, ROLLBACK, SUCCEEDED
from shipway.domain.renaming import Renaming
from shipway.domain.run import StepResult
from shipway.domain.webhook import repository_of
from tests.unit.actions.messages.told import COMMIT, NAME, TOKEN, URL, Told
from tests.unit.domain.samples import STAGING


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


def test_a_run_is_pending_until_it_has_ended(told: Told) -> None:
    number = told.begin_run()
    told.deliver()
    status = told.statuses()["shipway/shop"]
    assert (status.state, status.description) == (PENDING, f"run {number} is going on")
    assert status.url == f"{URL}/apps/shop/runs/{number}"
    told.ledger.end_run(number, SUCCEEDED, told.ledger.now())
    told.deliver()
    status = told.statuses()["shipway/shop"]
    assert (status.state, status.description.partition(" after")[0]) == (SUCCESS, f"run {number} passed")


@pytest.mark.parametrize(("outcome", "state"), [(FAILED, FAILURE), (CANCELLED, ERROR)])
def test_a_run_that_did_not_pass(told: Told, outcome: str, state: str) -> None:
    number = told.begin_run()
    told.ledger.begin_step(number, "test", "key", 1.0)
    told.ledger.end_step(number, "test", outcome, 2.0, failure="exit code 1")
    told.ledger.end_run(number, outcome, told.ledger.now())
    told.deliver()
    status = told.statuses()["shipway/shop"]
    assert status.state == state
    assert (status.description == f"run {number} failed: test") == (outcome == FAILED)


def test_the_newest_run_of_a_commit_counts_whatever_ends_last(told: Told) -> None:
    older = told.begin_run()
    told.run(FAILED)
    told.ledger.end_run(older, SUCCEEDED, told.ledger.now())
    told.deliver()
    assert told.statuses()["shipway/shop"].state == FAILURE


def test_a_single_step_says_nothing_of_its_commit(told: Told) -> None:
    told.ledger.end_run(told.begin_run(kind="step"), SUCCEEDED, told.ledger.now())
    told.pull()
    told.deliver()
    assert not told.forge.kept_statuses
    assert not told.forge.comments


def test_a_commit_that_was_not_run_has_a_status_too(told: Told) -> None:
    told.ledger.add_news(News(UNCHANGED, "shop", "", 0, f"{COMMIT} shop: unchanged since run 3"))
    told.deliver()
    status = told.statuses()["shipway/shop"]
    assert (status.state, status.description) == (SUCCESS, "shop: unchanged since run 3")
    told.run(FAILED)
    told.deliver()
    assert told.statuses()["shipway/shop"].state == FAILURE


def test_a_deployment_and_a_rollback(told: Told) -> None:
    first, second = told.world.release(1), told.world.release(2)
    for release in (first, second):
        deploy(told.ctx, DeployRequest(release, STAGING))
    told.deliver()
    status = told.statuses(second.revision)["shipway/shop/staging"]
    assert (status.state, status.description) == (SUCCESS, "release 2: deployed")
    assert status.url == f"{URL}/apps/shop/deployments/staging/2"
    told.ledger.rename(Renaming("shop", "staging", "qa", "ada", "", 1.0))
    failing = dataclasses.replace(told.ledger.deployments("shop")[0], release=1, kind=ROLLBACK)
    told.ledger.end_deployment(told.ledger.begin_deployment(failing), FAILED, told.ledger.now(), None, "why")
    told.deliver()
    found = told.statuses(first.revision)
    assert found["shipway/shop/staging"].state == SUCCESS
    assert (found["shipway/shop/qa"].state, found["shipway/shop/qa"].description) == (
        FAILURE, "release 1: the rollback to it failed",
    )  # fmt: skip


def test_an_app_of_another_repository_is_not_told_of(tmp_path: Path) -> None:
    told = Told(tmp_path, address="git@github.com:acme/other.git")
    told.run(SUCCEEDED)
    told.deliver()
    assert not told.forge.calls


def test_the_comment_is_one_and_kept_up_to_date(told: Told) -> None:
    told.pull()
    number = told.begin_run()
    told.deliver()
    [(key, first)] = told.forge.comments.items()
    assert key == (NAME, 7)
    assert "is going on" in first["app-shop"]
    told.ledger.begin_step(number, "unit|tests", "key", 1.0)
    told.ledger.end_step(number, "unit|tests", SUCCEEDED, 13.0, StepResult(tests="12 passed, @all `x`"))
    told.ledger.end_run(number, SUCCEEDED, told.ledger.now())
    deploy(told.ctx, DeployRequest(told.world.release(1), STAGING))
    release = dataclasses.replace(told.world.release(2, "0002"), run=number, number=0)
    release = told.ledger.add_release(release)
    before = told.ledger.release("shop", 1)
    assert before is not None
    told.world.proven(release, before, old=SAFE)
    told.ledger.end_run(number, SUCCEEDED, told.ledger.now())
    told.deliver()
    [text] = told.forge.comments[NAME, 7].values()
    assert "| `unit/tests` | passed | 12.0 s | `12 passed, @all 'x'` |" in text
    assert (
        "- `staging`, where release 1 runs: images `backend`, `frontend`, `worker`; migrations from `0001` to `0002`"
        in text
    )
    assert "**Rollback proof**\n\n- `staging`: " in text
    assert "migrations `0002`" in text
    assert text.endswith(f"[More]({URL}/apps/shop/runs/{number})")


@pytest.mark.parametrize("action", [MERGED, ""])
def test_without_an_open_pull_request_there_is_no_comment(told: Told, action: str) -> None:
    if action:
        told.pull(action=action)
    told.run(SUCCEEDED)
    told.deliver()
    assert not told.forge.comments
    assert not [item for item in told.ledger.messages() if item.waits]
    told.pull()  # now it is opened
    told.ledger.add_news(News(PULL, "shop", "", 7, COMMIT))
    told.deliver()
    assert "passed" in told.forge.comments[NAME, 7]["app-shop"]


def test_a_tag_has_no_comment(told: Told) -> None:
    told.pull()
    told.run(SUCCEEDED, ref="refs/tags/v1")
    told.deliver()
    assert not told.forge.comments
    assert told.statuses()


def test_nothing_in_a_comment_is_markup_or_a_mention() -> None:
    assert code("a `b` | @all\n<img>") == "`a 'b' / @all <img>`"
    assert marker("shop") == "app-shop"
    assert len(marker("a" * 200)) <= 60


@pytest.mark.parametrize(
    ("address", "endpoint", "name"),
    [
        ("git@github.com:acme/shop.git", "", "acme/shop"),
        ("https://gitlab.com/a/b/c/", "", "a/b/c"),
        ("ssh://git@git.example.com:2222/acme/shop.git", "https://git.example.com/api/v1", "acme/shop"),
        ("https://example.com/gitlab/acme/shop.git", "https://example.com/gitlab/api/v4", "acme/shop"),
    ],
)
def test_the_repository_is_that_of_the_address(address: str, endpoint: str, name: str) -> None:
    assert repository_of(address, endpoint) == name


def test_the_token_goes_to_the_driver_and_nowhere_else(told: Told) -> None:
    told.run(FAILED)
    told.deliver()
    assert {getattr(access, "token", TOKEN) for access in told.accesses if hasattr(access, "token")} == {TOKEN}
    assert TOKEN not in told.said + json.dumps([repr(item) for item in told.ledger.operations("*")])
