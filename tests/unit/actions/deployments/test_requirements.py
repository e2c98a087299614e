"""What a forge must say of the commit that is deployed: read from it, by every rule set, and never taken for granted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from shipway.actions.deployments.admission import LOOK
from shipway.actions.messages.receivers import set_token
from shipway.actions.projects.forges import TOKEN, forge_of
from shipway.actions.runs.waiting import due
from shipway.context import Context
from shipway.domain.errors import DeploymentWaits, ForgeError
from shipway.domain.forge import (
    APPROVED,
    CHANGES_REQUESTED,
    FAILURE,
    MERGED,
    OPENED,
    PENDING,
    SUCCESS,
    Action,
    Hosted,
    Person,
    PullRequest,
    Reviewed,
    State,
    Status,
)
from shipway.domain.release import Release
from shipway.domain.webhook import Webhook
from shipway.ports.forge import ForgeAccess
from shipway.testing.memory_forge import MemoryForge
from tests.unit.actions.deployments.host_deployment import PRODUCTION, STAGING, commit, text
from tests.unit.actions.runs.waiting import WHERE, Place
from tests.unit.system.repositories import committed, copied, new_model
from tests.unit.system.test_git import git

ANN, BEN, EVA = Person("1", "ann"), Person("2", "ben"), Person("3", "eva")
ASKING = {**PRODUCTION, "standby": "0s", "require": {"statuses": ["ci/test", "lint"], "reviews": 1}}


class Forged(Place):
    """Its repository is at a forge, which says what the tests let it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.memory = MemoryForge()
        self.release = self.runs(committed(self.path))
        address = self.book().registration.address
        self.name = address.strip("/").removesuffix(".git")
        self.world.ledger.add_webhook(Webhook("main", "github", address, "ada", 0.0))
        self.known: list[str] = []  # kinds and tokens

    @staticmethod
    @cache
    def model() -> Path:
        """With a second tag, whose plan asks the forge."""
        made = copied(Place.model(), new_model() / "work")
        commit(made, "requiring", text(staging=STAGING, production=ASKING))
        commit(made, "two")
        git(made, "tag", "v2")
        return made

    def own(self) -> Context:
        def forge(kind: str, access: ForgeAccess) -> MemoryForge:
            self.known.append(f"{kind} {access.token}")
            return self.memory

        return replace(self.world.controller(), forge=forge)

    def status(self, name: str, state: State = SUCCESS, revision: str = "") -> None:
        kept = self.memory.kept_statuses.setdefault((self.name, revision or self.release.revision), {})
        kept[name] = Status(name, state)

    def pull(self, head: str = "", action: Action = OPENED, author: Person = ANN) -> None:
        found = PullRequest(
            Hosted(self.name),
            7,
            action,
            head or self.release.revision,
            "feature",
            self.name,
            False,
            "main",
            author,
            "",
            "",
        )
        self.memory.pull_requests[self.name, self.release.revision] = [found]

    def review(self, *given: Reviewed) -> None:
        self.memory.kept_reviews[self.name, 7] = list(given)

    def good(self, by: Person = BEN) -> Reviewed:
        return Reviewed(by, APPROVED, self.release.revision)

    def all_good(self) -> None:
        self.status("ci/test")
        self.status("lint")
        self.pull()
        self.review(self.good())

    def refused(self) -> tuple[str, ...]:
        with pytest.raises(DeploymentWaits) as told:
            self.push("v2", self.own())
        return told.value.why


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forged]:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv(TOKEN, "the-token")
    made = Forged(tmp_path)
    yield made
    made.world.close()


def test_with_all_of_it_a_push_is_deployed(place: Forged) -> None:
    place.all_good()
    place.push("v2", place.own())
    assert place.running() == place.release.number
    assert set(place.known) == {"github the-token"}


def test_what_is_missing_is_named_and_waited_for(place: Forged) -> None:
    short = place.release.revision[:12]
    place.status("ci/test", PENDING)
    place.status("lint", FAILURE)
    place.status("lint", SUCCESS, place.first.revision)  # of another commit
    assert place.refused() == (
        f"the status ci/test of {short} is pending", f"the status lint of {short} is failure",
        f"{short} needs 1 review by someone other than its authors, and no pull request has it",
    )  # fmt: skip
    assert due(place.ctx) == []
    place.all_good()
    place.world.now += LOOK
    assert len(due(place.ctx)) == 1
    assert place.take_up(place.own()) is not None
    assert place.running() == place.release.number


@pytest.mark.parametrize(("given", "why"), [
    (Reviewed(BEN, CHANGES_REQUESTED, "HEAD"), "ben asks for changes"),
    (Reviewed(BEN, APPROVED, "a" * 40), "the review of ben is older than the last push"),
    (Reviewed(BEN, APPROVED, ""), "the review of ben is older than the last push"),
    (Reviewed(ANN, APPROVED, "HEAD"), "the review of ann, an author, does not count"),
    (Reviewed(Person("9", "ANN"), APPROVED, "HEAD"), ""),  # another person, who took that name
    (Reviewed(Person("", "Ann"), APPROVED, "HEAD"), "the review of Ann, an author, does not count"),
    (Reviewed(Person("", ""), APPROVED, "HEAD"), "does not count"),
    (Reviewed(BEN, APPROVED, "HEAD", official=False), "ben has no write access to the repository"),
])  # fmt: skip
def test_which_reviews_count(place: Forged, given: Reviewed, why: str) -> None:
    place.all_good()
    place.review(replace(given, commit=place.release.revision) if given.commit == "HEAD" else given)
    if not why:
        place.push("v2", place.own())
        return
    (told,) = place.refused()
    assert why in told
    assert "pull request 7 has 0" in told


def test_who_wrote_a_commit_under_a_hidden_address_does_not_count(place: Forged) -> None:
    git(
        place.path,
        "commit",
        "--quiet",
        "--allow-empty",
        "--message",
        "x",
        "--author",
        "Eva <3+eva@users.noreply.github.com>",
    )
    (place.path / "name").write_text("eva's")
    git(place.path, "commit", "--quiet", "--all", "--amend", "--no-edit")
    git(place.path, "tag", "v3")
    place.release = place.runs(git(place.path, "rev-parse", "HEAD").strip())
    place.all_good()
    place.review(place.good(EVA))
    with pytest.raises(DeploymentWaits, match="the review of eva, an author, does not count"):
        place.push("v3", place.own())
    place.review(place.good(EVA), place.good(BEN))
    place.push("v3", place.own())


def test_one_person_counts_once(place: Forged) -> None:
    place.commit("two reviews", text(staging=STAGING, production={**ASKING, "require": {"reviews": 2}}))
    place.pull()
    place.review(place.good(BEN), place.good(Person("2", "ben2")))
    (told,) = place.refused()
    assert "needs 2 reviews" in told
    assert "has 1" in told


def test_the_pull_request_must_be_at_that_commit(place: Forged) -> None:
    place.all_good()
    later = place.commit("three")
    place.pull(head=later)
    (told,) = place.refused()
    assert f"pull request 7 is at {later[:12]}, which is another commit" in told
    place.pull(head=later, action=MERGED)  # this one is before its last commit
    assert "which is another commit" in place.refused()[0]
    place.pull(head=place.first.revision, action=MERGED)  # and this one merged it
    place.review(Reviewed(BEN, APPROVED, place.first.revision))
    place.push("v2", place.own())


def test_without_an_answer_nothing_is_deployed(place: Forged, monkeypatch: pytest.MonkeyPatch) -> None:
    place.all_good()
    monkeypatch.delenv(TOKEN)
    (told,) = place.refused()
    assert "no token for the forge of this repository" in told
    monkeypatch.setenv(TOKEN, "the-token")

    def away(*given: object) -> list[Status]:
        raise ForgeError("api.github.com was not reached")

    monkeypatch.setattr(place.memory, "statuses", away)
    assert "can't be read: api.github.com was not reached" in place.refused()[0]
    assert place.running() == 0


def test_the_rules_of_the_release_that_runs_count_too(place: Forged) -> None:
    place.all_good()
    place.push("v2", place.own())
    place.commit("nothing is required", text(staging=STAGING, production=PRODUCTION))
    third = place.tagged("three", "v3")
    with pytest.raises(DeploymentWaits) as told:
        place.push("v3", place.own())
    assert (
        f"the status ci/test of {third.revision[:12]} is missing (a rule of release 2, which runs there)"
        in told.value.why
    )


def test_a_status_that_fails_before_the_lock_is_seen(place: Forged) -> None:
    from shipway.actions.deployments.admission import admitted
    from shipway.actions.deployments.deploy import deploy

    place.all_good()
    own, book = place.own(), place.book()
    order = admitted(own, place.repository.commit("v2"), "shop", book, book.of(own, "production"), "refs/tags/v2")
    place.status("ci/test", FAILURE)
    with pytest.raises(DeploymentWaits, match="is failure"):
        deploy(own, order)


@pytest.mark.parametrize(("address", "found"), [
    ("https://github.com/acme/shop.git", "github acme/shop"), ("git@gitlab.com:group/sub/shop.git", "gitlab group/sub/shop"),
    ("ssh://git@bitbucket.org/acme/shop", "bitbucket acme/shop"), ("https://git.example/acme/shop.git", ""),
    ("https://github.com.evil.example/acme/shop", ""), ("/srv/git/shop.git", ""),
])  # fmt: skip
def test_the_forge_of_an_address(place: Forged, address: str, found: str) -> None:
    at = forge_of(place.own(), address)
    assert (f"{place.known[-1].split()[0]} {at.repository}" if at else "") == found


def test_the_token_of_the_webhook_comes_before_the_variable(place: Forged) -> None:
    own, address = place.own(), place.book().registration.address
    forge_of(own, address)
    set_token(own, "main", "of-the-webhook", "https://git.example/api/v3")
    forge_of(own, address)
    assert [item.split()[1] for item in place.known] == ["the-token", "of-the-webhook"]


def test_a_release_without_requirements_asks_no_forge(place: Forged) -> None:
    place.commit("nothing is required", text(staging=STAGING, production=PRODUCTION))
    place.push("v2", place.own())
    assert place.known == []
    assert isinstance(place.release, Release)
    assert place.ctx.ledger.waiting(*WHERE) is None
