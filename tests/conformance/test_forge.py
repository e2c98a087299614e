"""Forges: stand-ins after the published APIs of GitHub, GitLab, Gitea and Bitbucket, and the one in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from shipway.domain.errors import ForgeError
from shipway.domain.forge import (
    APPROVED,
    MERGED,
    OPENED,
    Deleted,
    Event,
    Hosted,
    Person,
    PullRequest,
    Pushed,
    Reviewed,
    State,
    Status,
    Tagged,
    Verdict,
)
from shipway.testing.forge import AFTER, LIMIT, ONE, REFUSED, SECRET, TWO, ForgeSuite
from shipway.testing.memory_forge import MemoryForge, delivery
from tests.conformance.forge_bitbucket import BitbucketStandIn
from tests.conformance.forge_gitlab import GitLabStandIn
from tests.conformance.forge_lab import TOKEN, StandIn
from tests.conformance.forge_stand_ins import STAND_INS


class MemoryLab:
    hosted = Hosted("team/shop", "https://forge.example/team/shop.git")
    token = TOKEN

    def __init__(self) -> None:
        self.forge = self.memory = MemoryForge()
        self.pushed: dict[int, list[str]] = {}
        self.outside: dict[int, bool] = {}

    def deliver(self, *events: Event, id: str = "one") -> tuple[Mapping[str, str], bytes]:
        return delivery(events, SECRET, id)

    def says(self, event: Event) -> Event:
        return event

    def person(self, name: str) -> Person:
        return Person(f"id of {name}", name)

    def open(self, number: int, *commits: str, outside: bool = False) -> None:
        self.pushed.setdefault(number, []).extend(commits)
        self.outside[number] = outside
        self._keep(number, OPENED)

    def merge(self, number: int) -> None:
        self._keep(number, MERGED)

    def _keep(self, number: int, action: Any) -> None:
        name, outside = self.hosted.full_name, self.outside[number]
        head = "fork/shop" if outside else name
        for commit in self.pushed[number]:
            kept = self.memory.pull_requests.setdefault((name, commit), [])
            kept[:] = [item for item in kept if item.number != number]
            newest = self.pushed[number][-1]
            kept.append(PullRequest(self.hosted, number, action, newest, "feature", head, outside, "main", self.person("ann"), "A title", ""))  # fmt: skip

    def review(self, number: int, name: str, verdict: Verdict) -> None:
        said = Reviewed(self.person(name), verdict, self.pushed[number][-1])
        self.memory.kept_reviews.setdefault((self.hosted.full_name, number), []).append(said)

    def others_status(self, commit: str, context: str, state: State) -> None:
        self.memory.kept_statuses.setdefault((self.hosted.full_name, commit), {})[context] = Status(context, state)

    def chatter(self, number: int, count: int, text: str = "+1") -> None:
        """It keeps only Shipway's."""

    def comments(self, number: int) -> Sequence[str]:
        return list(self.memory.comments.get((self.hosted.full_name, number), {}).values())

    def fail(self, how: str, times: int = 1) -> None:
        error = ForgeError(
            how, retry_after=float(AFTER) if how == LIMIT else 0.0, refused=how in (REFUSED, "elsewhere")
        )
        if times == 1:  # a driver repeats everything else
            self.memory.fail("comment", error=error, after=True)
        elif times:
            self.memory.fail("set_status", error=error)


class TestMemory(ForgeSuite):
    @pytest.fixture
    def lab(self) -> MemoryLab:
        return MemoryLab()


@pytest.mark.parametrize("kind", sorted(STAND_INS))
class TestStandIns(ForgeSuite):
    @pytest.fixture
    def lab(self, kind: str) -> Iterator[StandIn]:
        lab = STAND_INS[kind]()
        yield lab
        assert not lab.strays
        lab.close()


def test_several_refs_in_one_push_of_bitbucket() -> None:
    lab = BitbucketStandIn()
    ann = lab.person("ann")
    events = (
        Pushed(lab.hosted, "main", ONE, TWO, False, ann),
        Tagged(lab.hosted, "v1", None, TWO, TWO, ann),
        Deleted(lab.hosted, "refs/heads/old", ONE, ann),
    )
    assert lab.forge.receive(*lab.deliver(*events), SECRET).events == events
    lab.close()


def test_bitbucket_without_the_right_account_is_refused() -> None:
    lab = BitbucketStandIn(user="bot@example.com")
    with pytest.raises(ForgeError, match="refused the request") as caught:
        lab.forge.statuses("team/shop", "1" * 40)
    assert caught.value.refused
    assert TOKEN not in str(caught.value)
    lab.close()


def test_approvals_hold_for_what_was_seen() -> None:
    """GitLab tells only when: what was pushed later was not approved."""
    lab = GitLabStandIn()
    lab.open(3, "1" * 40)
    lab.review(3, "ann", APPROVED)
    lab.pulls[3].reviews[0].at = "2020-01-01T00:00:00Z"
    (found,) = lab.forge.reviews("team/shop", 3)
    assert found.commit == ""
    lab.close()
