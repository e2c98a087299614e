"""Requests to a forge: where its token goes, what is repeated, how lists are read."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shipway.domain.errors import ForgeError
from shipway.drivers import driver
from shipway.drivers.forge.api import LONG, PAGES, cut, marked
from shipway.ports import ForgeAccess
from shipway.testing.forge import ONE
from tests.conformance.cdn_lab import Answer, Front, Request
from tests.conformance.forge_hub import GitHubStandIn
from tests.conformance.forge_lab import TOKEN, reply

REPOSITORY = "team/shop"


class Server:
    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.front = Front(lambda request: self.answer(request))
        self.answer = answer

    def forge(self, name: str = "github", **more: Any) -> Any:
        made = {"endpoint": self.front.address, "timeout": 30.0, "patience": 0.0, **more}
        return driver("forge", name)(ForgeAccess(TOKEN, **made))

    @property
    def requests(self) -> list[Request]:
        return self.front.requests


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before further attempts, which take no time here."""
    found: list[float] = []
    monkeypatch.setattr("shipway.drivers.forge.api.time.sleep", found.append)
    return found


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(lambda request: reply([]))
    yield made
    made.front.close()


def redirect(status: int, location: str) -> Answer:
    return status, {"Location": location}, b""


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_repository_that_was_renamed_is_found(server: Server, status: int) -> None:
    """The forge redirects to another path of its own; the token goes along."""

    def answer(request: Request) -> Answer:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        return redirect(status, "/repositories/7") if request.path.startswith("/repos/") else reply([])

    server.answer = answer
    assert list(server.forge().reviews(REPOSITORY, 1)) == []
    assert server.requests[-1].path == "/repositories/7"


def test_a_status_is_set_in_a_renamed_repository(server: Server) -> None:
    server.answer = lambda request: redirect(307, "/repositories/7/x") if "repos/" in request.path else reply({"id": 1})
    server.forge().set_status(REPOSITORY, ONE, "a", "success")
    assert [request.method for request in server.requests] == ["POST", "POST"]
    assert server.requests[0].body == server.requests[1].body != b""


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_redirect_that_would_lose_what_is_sent(server: Server, status: int) -> None:
    server.answer = lambda request: redirect(status, "/elsewhere")
    with pytest.raises(ForgeError, match=f"status {status}"):
        server.forge().set_status(REPOSITORY, ONE, "a", "success")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://localhost:{port}/x",
        "//localhost:{port}/x",
        "https://127.0.0.1:{port}/x",
        "ftp://127.0.0.1/x",
        "http://127.0.0.1:1/x",
        "http://[/x",
        "http://user@127.0.0.1:{port}/x",
    ],
)
@pytest.mark.parametrize("name", ["github", "gitlab", "gitea", "bitbucket"])
def test_a_redirect_to_somewhere_else_is_not_followed(server: Server, name: str, location: str) -> None:
    port = server.front.address.rpartition(":")[2]
    server.answer = lambda request: redirect(307, location.format(port=port))
    with pytest.raises(ForgeError, match="token is not sent there") as caught:
        server.forge(name).statuses(REPOSITORY, ONE)
    assert caught.value.refused
    assert len(server.requests) == 1


def test_an_endless_redirect(server: Server) -> None:
    server.answer = lambda request: redirect(307, f"{request.path}x")
    with pytest.raises(ForgeError, match="more than 3 times"):
        server.forge().statuses(REPOSITORY, ONE)
    assert len(server.requests) == 4


def test_a_list_without_end_is_no_list(server: Server) -> None:
    """Half of the statuses must not be taken for all."""
    server.answer = lambda request: reply(
        [{"user": {"id": 1}}], 200, {"Link": '<https://[outside.invalid/x?page=2>; rel="next"'}
    )
    with pytest.raises(ForgeError, match=f"more than {PAGES} pages"):
        server.forge().reviews(REPOSITORY, 1)
    assert len(server.requests) == PAGES
    assert {request.path.partition("?")[0] for request in server.requests} == {"/repos/team/shop/pulls/1/reviews"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b'{"a": 1}',
        b"\xff",
        b"[" * 100_000,
        b'[{"user": {"id": 1}, "state": "APPROVED", "commit_id": 3}]',
    ],
)
def test_an_answer_that_is_not_understood(server: Server, body: bytes) -> None:
    server.answer = lambda request: (200, {}, body)
    with pytest.raises(ForgeError, match="GitHub's answer is not understood"):
        server.forge().reviews(REPOSITORY, 1)


def test_a_limit_that_passes(server: Server, waits: list[float]) -> None:
    answers = iter(
        [(429, {"Retry-After": "3"}, b""), (403, {"X-RateLimit-Remaining": "0"}, b""), (503, {}, b""), reply({"id": 1})]
    )
    server.answer = lambda request: next(answers)
    server.forge(patience=5.0).set_status(REPOSITORY, ONE, "a", "success")
    assert len(server.requests) == 4
    assert waits == [3.0, 0.5, 1.0]


def test_patience_is_for_all_attempts_together(server: Server, waits: list[float]) -> None:
    server.answer = lambda request: (503, {"Retry-After": "2"}, b"")
    with pytest.raises(ForgeError) as caught:
        server.forge(patience=5.0).statuses(REPOSITORY, ONE)
    assert (waits, caught.value.retry_after) == ([2.0, 2.0], 2.0)


def test_a_comment_is_sent_again_only_after_a_limit(server: Server, waits: list[float]) -> None:
    posts = iter([(429, {"Retry-After": "0"}, b""), (500, {}, b"")])

    def answer(request: Request) -> Answer:
        return reply({"id": 1} if request.path == "/user" else []) if request.method == "GET" else next(posts)

    server.answer = answer
    with pytest.raises(ForgeError, match="status 500"):
        server.forge(patience=5.0).comment(REPOSITORY, 1, "preview", "text")
    assert [request.method for request in server.requests].count("POST") == 2
    assert len(waits) == 1


def test_when_githubs_count_begins_anew(server: Server) -> None:
    server.answer = lambda request: (
        403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 600)}, b"API rate limit exceeded",
    )  # fmt: skip
    with pytest.raises(ForgeError, match="rate limit exceeded") as caught:
        server.forge().statuses(REPOSITORY, ONE)
    assert not caught.value.refused
    assert 300 < caught.value.retry_after <= 600


@pytest.mark.parametrize("after", ["soon", "-5", "", "9" * 400, "nan", "Wed, 99 Foo 2026", "²"])
def test_a_retry_after_that_is_none(server: Server, after: str) -> None:
    server.answer = lambda request: (429, {"Retry-After": after.encode("utf-8").decode("latin-1")}, b"")
    with pytest.raises(ForgeError) as caught:
        server.forge().statuses(REPOSITORY, ONE)
    assert 0.0 <= caught.value.retry_after <= 3600.0


def test_a_token_of_an_app_has_no_user(server: Server) -> None:
    """It writes as a bot; what a person wrote isn't its own, whatever it looks like."""
    lab = GitHubStandIn()
    line, _ = marked("<!-- {} -->", "preview", "")
    theirs = {"id": 1, "body": f"{line}\n\nmine", "user": {"id": 5, "type": "User"}}
    ours = {"id": 2, "body": f"{line}\n\nold", "user": {"id": 6, "type": "Bot"}}
    lab.close()

    def answer(request: Request) -> Answer:
        if request.path == "/user":
            return reply({"message": "Resource not accessible by integration"}, 403)
        return reply([theirs, ours] if request.method == "GET" else {"id": 2})

    server.answer = answer
    server.forge().comment(REPOSITORY, 1, "preview", "new")
    assert (server.requests[-1].method, server.requests[-1].path) == ("PATCH", "/repos/team/shop/issues/comments/2")


@pytest.mark.parametrize("repository", ["", "shop", "/", "team/", "../user", "team/../user", "team/."])
@pytest.mark.parametrize("name", ["github", "gitlab", "gitea", "bitbucket"])
def test_what_is_no_repository(server: Server, name: str, repository: str) -> None:
    with pytest.raises(ForgeError, match="no full name"):
        server.forge(name).statuses(repository, ONE)
    assert server.requests == []


@pytest.mark.parametrize("commit", ["", "main", "1" * 39, "1" * 41, "A" * 40, "../../user", "1" * 40 + "\n"])
@pytest.mark.parametrize("name", ["github", "gitlab", "gitea", "bitbucket"])
def test_what_is_no_commit(server: Server, name: str, commit: str) -> None:
    forge = server.forge(name)
    for call in (
        lambda: forge.statuses(REPOSITORY, commit),
        lambda: forge.set_status(REPOSITORY, commit, "a", "success", "", "https://deploy.example"),
        lambda: forge.pull_request_of(REPOSITORY, commit),
    ):
        with pytest.raises(ForgeError, match="no full id"):
            call()
    assert server.requests == []


def test_a_name_with_strange_characters_stays_in_its_place(server: Server) -> None:
    for name in ("github", "gitlab", "gitea", "bitbucket"):
        server.answer = lambda request: reply({"values": []} if "repositories" in request.path else [])
        if name == "github":
            server.answer = lambda request: reply({"statuses": [], "check_runs": []})
        server.forge(name).statuses("a?b#c/d e%2F", ONE)
        assert "a%3Fb%23c" in server.requests[-1].path
        assert "%252F" in server.requests[-1].path


def test_gitea_without_an_address() -> None:
    with pytest.raises(ForgeError, match="has no address") as caught:
        driver("forge", "gitea")(ForgeAccess(TOKEN)).statuses(REPOSITORY, ONE)
    assert "/api/v1" in caught.value.hint


@pytest.mark.parametrize(
    "endpoint", ["http://", "http://[", "ftp://forge.example", "http://127.0.0.1:99999", "http://a b/"]
)
def test_an_address_that_is_none(endpoint: str) -> None:
    with pytest.raises(ForgeError):
        driver("forge", "github")(ForgeAccess(TOKEN, endpoint=endpoint, patience=0.0)).statuses(REPOSITORY, ONE)


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN} x", f"{TOKEN}é"])
@pytest.mark.parametrize("name", ["github", "gitlab", "gitea", "bitbucket"])
def test_a_token_that_is_none_is_not_shown(server: Server, name: str, token: str) -> None:
    forge = driver("forge", name)(ForgeAccess(token, endpoint=server.front.address))
    with pytest.raises(ForgeError, match="no token has") as caught:
        forge.statuses(REPOSITORY, ONE)
    assert TOKEN not in f"{caught.value} {caught.value.hint}"


def test_an_answer_that_repeats_what_it_was_sent(server: Server) -> None:
    server.answer = lambda request: (400, {}, f"bad: {request.headers['authorization']}".encode())
    for name, user in (
        ("github", ""),
        ("gitlab", ""),
        ("gitea", ""),
        ("bitbucket", ""),
        ("bitbucket", "bot@example.com"),
    ):
        with pytest.raises(ForgeError, match=r"bad: \w+ \*\*\*$"):
            server.forge(name, user=user).statuses(REPOSITORY, ONE)


def test_an_answer_without_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipway.drivers.forge.api.MOST", 1000)
    server.answer = lambda request: reply([{"text": "x" * 1000}])
    with pytest.raises(ForgeError, match="more than 1000 bytes"):
        server.forge().reviews(REPOSITORY, 1)


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(ForgeAccess(TOKEN))


def test_bitbucket_takes_no_status_without_an_address(server: Server) -> None:
    server.answer = lambda request: reply({})
    server.forge("bitbucket").set_status(REPOSITORY, ONE, "a", "success")
    [sent] = server.requests
    assert json.loads(sent.body)["url"] == f"https://bitbucket.org/{REPOSITORY}"


def test_a_check_run_that_failed_outweighs_a_status_that_passed(server: Server) -> None:
    runs = [
        {"name": "ci/test", "status": "completed", "conclusion": "failure"},
        {"name": "ci/lint", "status": "completed", "conclusion": "neutral"},
        {"name": "ci/e2e", "status": "in_progress", "conclusion": None},
        {"name": "ci/slow", "status": "completed", "conclusion": "timed_out"},
    ]
    statuses = [{"context": "ci/test", "state": "success"}, {"context": "ci/odd", "state": "what"}]
    server.answer = lambda request: reply(
        {"check_runs": runs} if "check-runs" in request.path else {"statuses": statuses}
    )
    found = {item.context: item.state for item in server.forge().statuses(REPOSITORY, ONE)}
    wanted = {"ci/test": "failure", "ci/odd": "error", "ci/lint": "success", "ci/e2e": "pending", "ci/slow": "error"}
    assert found == wanted


def test_a_token_that_may_not_read_check_runs_reads_statuses(server: Server) -> None:
    statuses = {"statuses": [{"context": "ci/test", "state": "success"}]}
    server.answer = lambda request: reply({}, 403) if "check-runs" in request.path else reply(statuses)
    assert [item.context for item in server.forge().statuses(REPOSITORY, ONE)] == ["ci/test"]
    server.answer = lambda request: (
        (403, {"Retry-After": "9"}, b"") if "check-runs" in request.path else reply(statuses)
    )
    with pytest.raises(ForgeError):
        server.forge().statuses(REPOSITORY, ONE)


def test_a_text_that_is_too_long_for_a_comment() -> None:
    _, whole = marked("<!-- {} -->", "a", "x" * (LONG + 1))
    assert len(whole) < LONG + 100
    assert whole.endswith("too long for a comment.)")


def test_a_description_is_one_line() -> None:
    assert cut("a\n b", 10) == "a b"
    assert cut("x" * 11, 10) == "x" * 9 + "…"


def test_what_a_status_sends(server: Server) -> None:
    server.answer = lambda request: reply({"id": 1})
    server.forge().set_status(REPOSITORY, ONE, "shipway", "error", "it\nfailed", "https://deploy.example/1")
    assert json.loads(server.requests[0].body) == {
        "state": "error", "context": "shipway", "description": "it failed", "target_url": "https://deploy.example/1",
    }  # fmt: skip
