"""Conformance suite for drivers of the port `Forge`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pytest

from shipway.domain.errors import Forged, ForgeError, Unreadable
from shipway.domain.forge import (
    APPROVED,
    CHANGES_REQUESTED,
    CLOSED,
    DISMISSED,
    ERROR,
    FAILURE,
    MERGED,
    OPENED,
    PENDING,
    SUCCESS,
    UPDATED,
    Deleted,
    Event,
    Hosted,
    Ignored,
    Person,
    PullRequest,
    Pushed,
    Review,
    State,
    Tagged,
    Verdict,
)
from shipway.ports import Forge

LIMIT, BROKEN, SILENT, REFUSED, RESET, ELSEWHERE = "limit", "broken", "silent", "refused", "reset", "elsewhere"
AFTER = 7  # seconds of a Retry-After, more than the lab's patience
ONE, TWO, THREE = "1" * 40, "a1" * 20, "b2" * 20  # commits
MANY = 130  # more than a page of any forge
SECRET = "the secret of the webhook"


class ForgeLab(Protocol):
    """A forge that is told what happened, and the repository that it is about."""

    forge: Forge
    token: str
    hosted: Hosted

    def deliver(self, *events: Event, id: str = "one") -> tuple[Mapping[str, str], bytes]:
        """The webhook request for what happened, signed with SECRET. Several events only where the forge sends them at once."""

    def says(self, event: Event) -> Event:
        """The event without what this forge doesn't say."""

    def person(self, name: str) -> Person:
        """Somebody as the forge names them."""

    def open(self, number: int, *commits: str, outside: bool = False) -> None:
        """Open a pull request and push these commits to it, each later than the one before."""

    def merge(self, number: int) -> None:
        """Merge it."""

    def review(self, number: int, name: str, verdict: Verdict) -> None:
        """Somebody reviews the newest commit, or their earlier verdict is dismissed."""

    def others_status(self, commit: str, context: str, state: State) -> None:
        """Another program sets a status."""

    def chatter(self, number: int, count: int, text: str = "+1") -> None:
        """Somebody else comments so many times."""

    def comments(self, number: int) -> Sequence[str]:
        """The text of Shipway's comments as people see it."""

    def fail(self, how: str, times: int = 1) -> None:
        """Make the next requests that change something fail; what they ask for is done all the same, if `how` leaves that open."""


class ForgeSuite:
    """Fixture: `lab`. `patience` of the lab's forge is less than AFTER."""

    def test_a_push(self, lab: ForgeLab) -> None:
        for before, forced in ((None, False), (ONE, False), (ONE, True)):
            self._told(lab, Pushed(lab.hosted, "feature/a#1", before, TWO, forced, lab.person("ann")))

    def test_a_tag_is_made_and_moved(self, lab: ForgeLab) -> None:
        for before in (None, ONE):
            self._told(lab, Tagged(lab.hosted, "v1.2.3", before, TWO, TWO, lab.person("ann")))

    def test_a_branch_and_a_tag_are_removed(self, lab: ForgeLab) -> None:
        for ref in ("refs/heads/feature/a", "refs/tags/v1.2.3"):
            self._told(lab, Deleted(lab.hosted, ref, ONE, lab.person("ann")))

    @pytest.mark.parametrize("action", [OPENED, UPDATED, CLOSED, MERGED])
    @pytest.mark.parametrize("outside", [False, True])
    def test_a_pull_request(self, lab: ForgeLab, action: str, outside: bool) -> None:
        self._told(lab, pull_request(lab, 7, action, outside=outside))

    def test_a_pull_request_from_a_repository_that_is_gone(self, lab: ForgeLab) -> None:
        self._told(lab, pull_request(lab, 8, CLOSED, outside=True, gone=True))

    @pytest.mark.parametrize("verdict", [APPROVED, CHANGES_REQUESTED, DISMISSED])
    def test_a_review(self, lab: ForgeLab, verdict: Verdict) -> None:
        self._told(lab, Review(lab.hosted, 7, verdict, lab.person("ben"), TWO))

    def test_another_event_is_ignored(self, lab: ForgeLab) -> None:
        (found,) = lab.forge.receive(*lab.deliver(Ignored("star")), SECRET).events
        assert isinstance(found, Ignored)

    def test_what_is_written_is_data(self, lab: ForgeLab) -> None:
        wanted = pull_request(lab, 7, OPENED, title="evil\x1b[2J\u202e\n<script>\ud800" + "x" * 1000)
        (found,) = lab.forge.receive(*lab.deliver(wanted), SECRET).events
        assert isinstance(found, PullRequest)
        assert found.title == ("evil <script>" + "x" * 1000)[:300]

    @pytest.mark.parametrize(
        "name", ["-x", "a..b", "a b", "a~1", "x.lock", "/x", "a//b", "@{-1}", "a\x00b", "x" * 300, ""]
    )
    def test_a_branch_that_git_would_not_take(self, lab: ForgeLab, name: str) -> None:
        with pytest.raises(Unreadable):
            lab.forge.receive(*lab.deliver(Pushed(lab.hosted, name, None, TWO, False, lab.person("ann"))), SECRET)

    def test_a_repeated_delivery_has_the_same_id(self, lab: ForgeLab) -> None:
        event = Pushed(lab.hosted, "main", ONE, TWO, False, lab.person("ann"))
        first, again = (lab.forge.receive(*lab.deliver(event, id="one"), SECRET) for _ in range(2))
        other = lab.forge.receive(*lab.deliver(event, id="two"), SECRET)
        assert first.id == again.id != other.id
        assert first.digest == again.digest == other.digest

    def test_names_of_headers_in_any_case(self, lab: ForgeLab) -> None:
        headers, body = lab.deliver(Pushed(lab.hosted, "main", ONE, TWO, False, lab.person("ann")))
        for change in (str.lower, str.upper):
            assert lab.forge.receive({change(name): value for name, value in headers.items()}, body, SECRET).events

    @pytest.mark.parametrize("secret", ["another secret", "", " ", "the secret of the webhooK"])
    def test_another_secret(self, lab: ForgeLab, secret: str) -> None:
        headers, body = lab.deliver(Pushed(lab.hosted, "main", ONE, TWO, False, lab.person("ann")))
        with pytest.raises(Forged) as caught:
            lab.forge.receive(headers, body, secret)
        assert SECRET not in str(caught.value)

    def test_no_signature(self, lab: ForgeLab) -> None:
        _, body = lab.deliver(Pushed(lab.hosted, "main", ONE, TWO, False, lab.person("ann")))
        with pytest.raises(Forged):
            lab.forge.receive({}, body, SECRET)

    @pytest.mark.parametrize("state", [PENDING, SUCCESS, FAILURE, ERROR])
    def test_a_status_is_set(self, lab: ForgeLab, state: State) -> None:
        name = lab.hosted.full_name
        lab.forge.set_status(name, ONE, "shipway/staging", PENDING, "running", "https://deploy.example/1")
        lab.forge.set_status(name, ONE, "shipway/staging", PENDING, "running", "https://deploy.example/1")
        lab.forge.set_status(name, ONE, "shipway/staging", state, "done", "https://deploy.example/1")
        (found,) = lab.forge.statuses(name, ONE)
        assert found.context == "shipway/staging"
        assert found.state == state or (state == ERROR and found.state == FAILURE)
        assert found.url == "https://deploy.example/1"
        assert lab.forge.statuses(name, TWO) == []

    def test_a_long_description_is_cut(self, lab: ForgeLab) -> None:
        lab.forge.set_status(lab.hosted.full_name, ONE, "c" * 60, SUCCESS, "é" * 1000, "https://deploy.example/1")
        (found,) = lab.forge.statuses(lab.hosted.full_name, ONE)
        assert found.context == "c" * 60
        assert 100 < len(found.description) <= 255

    def test_many_statuses_of_others(self, lab: ForgeLab) -> None:
        for number in range(MANY):
            lab.others_status(ONE, f"ci/{number}", SUCCESS if number % 2 else FAILURE)
        found = {item.context: item.state for item in lab.forge.statuses(lab.hosted.full_name, ONE)}
        assert found == {f"ci/{number}": SUCCESS if number % 2 else FAILURE for number in range(MANY)}

    def test_the_newest_status_of_a_name_counts(self, lab: ForgeLab) -> None:
        for state in (FAILURE, SUCCESS, PENDING, SUCCESS):
            lab.others_status(ONE, "ci/test", state)
        assert [item.state for item in lab.forge.statuses(lab.hosted.full_name, ONE)] == [SUCCESS]

    def test_a_comment_is_updated(self, lab: ForgeLab) -> None:
        lab.open(3, ONE)
        lab.chatter(3, MANY)
        for text in ("first", "second", "second"):
            lab.forge.comment(lab.hosted.full_name, 3, "preview", text)
        lab.forge.comment(lab.hosted.full_name, 3, "preview-2", "other")
        assert sorted(lab.comments(3)) == ["other", "second"]

    def test_nobody_elses_comment_is_changed(self, lab: ForgeLab) -> None:
        lab.open(3, ONE)
        for form in ("<!-- shipway:preview -->\n\nmine", "[//]: # (shipway:preview)\n\nmine"):
            lab.chatter(3, 1, form)
        lab.forge.comment(lab.hosted.full_name, 3, "preview", "text")
        lab.forge.comment(lab.hosted.full_name, 3, "preview", "text, new")
        assert list(lab.comments(3)) == ["text, new"]

    @pytest.mark.parametrize("marker", ["", "a b", "-->", "a)", "x" * 100])
    def test_a_marker_that_would_not_be_hidden(self, lab: ForgeLab, marker: str) -> None:
        with pytest.raises(ForgeError):
            lab.forge.comment(lab.hosted.full_name, 3, marker, "text")

    def test_who_approved_which_commit(self, lab: ForgeLab) -> None:
        lab.open(3, ONE, TWO)
        lab.review(3, "ann", APPROVED)
        lab.review(3, "ben", APPROVED)
        lab.review(3, "ben", DISMISSED)
        lab.review(3, "cas", CHANGES_REQUESTED)
        lab.open(3, THREE)
        lab.review(3, "dan", APPROVED)
        found = {item.by: item for item in lab.forge.reviews(lab.hosted.full_name, 3)}
        assert set(found) == {lab.person(name) for name in ("ann", "cas", "dan")}
        ann, cas, dan = (found[lab.person(name)] for name in ("ann", "cas", "dan"))
        assert (ann.state, ann.commit) == (APPROVED, TWO)
        assert (dan.state, dan.commit) == (APPROVED, THREE)
        assert cas.state == CHANGES_REQUESTED

    def test_a_pull_request_without_reviews(self, lab: ForgeLab) -> None:
        lab.open(3, ONE)
        assert list(lab.forge.reviews(lab.hosted.full_name, 3)) == []

    def test_many_reviews(self, lab: ForgeLab) -> None:
        lab.open(3, ONE)
        for number in range(MANY):
            lab.review(3, f"person{number}", APPROVED)
        assert len(lab.forge.reviews(lab.hosted.full_name, 3)) == MANY

    def test_the_pull_request_of_a_commit(self, lab: ForgeLab) -> None:
        assert lab.forge.pull_request_of(lab.hosted.full_name, ONE) is None
        lab.open(4, ONE, outside=True)
        lab.open(5, TWO)
        found = lab.forge.pull_request_of(lab.hosted.full_name, ONE)
        assert found is not None
        assert (found.number, found.action, found.head, found.outside, found.base) == (4, OPENED, ONE, True, "main")
        found = lab.forge.pull_request_of(lab.hosted.full_name, TWO)
        assert found is not None
        assert (found.number, found.outside, found.head_repository) == (5, False, lab.hosted.full_name)
        lab.merge(5)
        found = lab.forge.pull_request_of(lab.hosted.full_name, TWO)
        assert found is not None
        assert (found.number, found.action) == (5, MERGED)

    def test_too_many_requests(self, lab: ForgeLab) -> None:
        error = self._failing(lab, LIMIT, 100)
        assert error.retry_after >= AFTER - 1
        assert not error.refused

    @pytest.mark.parametrize("how", [BROKEN, RESET])
    def test_a_failure_that_passes_is_not_seen(self, lab: ForgeLab, how: str) -> None:
        lab.fail(how)
        lab.forge.set_status(lab.hosted.full_name, ONE, "a", SUCCESS, "", "https://deploy.example/1")
        assert len(lab.forge.statuses(lab.hosted.full_name, ONE)) == 1

    @pytest.mark.parametrize("how", [BROKEN, SILENT, RESET])
    def test_a_failure_that_stays(self, lab: ForgeLab, how: str) -> None:
        assert not self._failing(lab, how, 100).refused

    @pytest.mark.parametrize("how", [BROKEN, RESET])
    def test_a_comment_is_not_added_twice(self, lab: ForgeLab, how: str) -> None:
        """Whether the forge has it after such a failure isn't known; the next attempt looks."""
        lab.open(3, ONE)
        lab.fail(how)
        with pytest.raises(ForgeError):
            lab.forge.comment(lab.hosted.full_name, 3, "preview", "text")
        lab.fail(how, 0)
        lab.forge.comment(lab.hosted.full_name, 3, "preview", "text")
        assert list(lab.comments(3)) == ["text"]

    def test_a_refused_token(self, lab: ForgeLab) -> None:
        error = self._failing(lab, REFUSED, 100)
        assert error.refused

    def test_the_token_is_not_sent_elsewhere(self, lab: ForgeLab) -> None:
        assert self._failing(lab, ELSEWHERE, 100).refused

    def _told(self, lab: ForgeLab, event: Event) -> None:
        found = lab.forge.receive(*lab.deliver(event), SECRET)
        assert found.events == (lab.says(event),)

    def _failing(self, lab: ForgeLab, how: str, times: int) -> ForgeError:
        """The error; afterwards the same request succeeds."""
        name = lab.hosted.full_name
        lab.fail(how, times)
        with pytest.raises(ForgeError) as caught:
            lab.forge.set_status(name, ONE, "a", SUCCESS, "", "https://deploy.example/1")
        error = caught.value
        assert lab.token not in f"{error} {error.hint} {error.__cause__}"
        lab.fail(how, 0)
        lab.forge.set_status(name, ONE, "a", SUCCESS, "", "https://deploy.example/1")
        return error


def pull_request(
    lab: ForgeLab, number: int, action: str, *, outside: bool = False, gone: bool = False, title: str = "A title"
) -> PullRequest:
    """A pull request of the lab's repository."""
    head = "" if gone else "fork/shop" if outside else lab.hosted.full_name
    url = f"https://forge.example/shop/pulls/{number}"
    author = lab.person("ann")
    return PullRequest(lab.hosted, number, action, TWO, "feature", head, outside, "main", author, title, url)  # type: ignore[arg-type]
