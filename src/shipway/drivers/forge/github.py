"""GitHub, and GitHub Enterprise Server: webhooks, and its REST API of version 2022-11-28."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    Action,
    Deleted,
    Delivery,
    Event,
    Hosted,
    Ignored,
    Person,
    Ping,
    PullRequest,
    Pushed,
    Review,
    Reviewed,
    State,
    Status,
    Tagged,
    Verdict,
    newest_of,
    worst_of,
)
from shipway.domain.refs import HEADS, TAGS
from shipway.drivers.forge.api import Api, commit_id, cut, marked, repository_path
from shipway.drivers.forge.payload import (
    TITLE,
    Fields,
    delivery_id,
    digest,
    hub,
    lowered,
    parsed,
    require_signature,
)
from shipway.ports import ForgeAccess

ENDPOINT = "https://api.github.com"
DESCRIPTION = 140  # characters
MARK = "<!-- {} -->"
ACTIONS: Mapping[str, Action] = {
    "opened": OPENED,
    "reopened": OPENED,
    "synchronize": UPDATED,
    "edited": UPDATED,
    "closed": CLOSED,
}
VERDICTS: Mapping[str, Verdict] = {
    "approved": APPROVED,
    "changes_requested": CHANGES_REQUESTED,
    "dismissed": DISMISSED,
}
# How a check run ended; what GitHub itself lets pass as a required check passes.
CONCLUSIONS: Mapping[str, State] = {"success": SUCCESS, "neutral": SUCCESS, "skipped": SUCCESS, "failure": FAILURE}
STATES: Mapping[str, State] = {"success": SUCCESS, "pending": PENDING, "failure": FAILURE, "error": ERROR}


class GitHub:
    """Implements ports.Forge."""

    def __init__(self, access: ForgeAccess) -> None:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        self._api = Api("GitHub", access, access.endpoint or ENDPOINT, headers)

    def receive(self, headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
        """See ports.Forge: X-Hub-Signature-256. The older X-Hub-Signature, of SHA-1, doesn't count."""
        given = lowered(headers)
        require_signature(body, secret, hub(given.get("x-hub-signature-256")))
        event = _event(given.get("x-github-event", ""), parsed(given, body))
        return Delivery(delivery_id(given.get("x-github-delivery"), body), digest(body), (event,))

    def set_status(
        self, repository: str, commit: str, context: str, state: State, description: str = "", url: str = ""
    ) -> None:
        """See ports.Forge. Each one is kept; the newest of a name counts."""
        body = {"state": state, "context": context, "description": cut(description, DESCRIPTION)}
        path = f"/repos/{repository_path(repository)}/statuses/{commit_id(commit)}"
        self._api.send("POST", path, {**body, "target_url": url} if url else body, again=True)

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """See ports.Forge: commit statuses, and check runs, which GitHub Actions makes."""
        path = f"/repos/{repository_path(repository)}/commits/{commit_id(commit)}"
        found = [
            Status(
                item.shown("context", TITLE),
                STATES.get(item.word("state"), ERROR),
                item.shown("description", TITLE),
                item.url("target_url"),
            )
            for item in self._api.pages(f"{path}/status", {"per_page": 100}, key="statuses")
        ]
        for item in self._api.pages(f"{path}/check-runs", {"per_page": 100, "filter": "latest"}, key="check_runs"):
            state = CONCLUSIONS.get(item.word("conclusion"), ERROR) if item.word("status") == "completed" else PENDING
            said = item.maybe("output").shown("title", TITLE)
            found.append(Status(item.shown("name", TITLE), state, said, item.url("html_url")))
        return worst_of(found)

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """See ports.Forge."""
        issues = f"/repos/{repository_path(repository)}/issues"
        line, whole = marked(MARK, marker, text)
        user = self._api.get("/user", none=(403, 404))  # a token of an app has no user, but writes as a bot
        me = self._api.read(user, "/user").id() if user is not None else ""
        for item in self._api.pages(f"{issues}/{number:d}/comments", {"per_page": 100}):
            by = item.maybe("user")
            if item.word("body").startswith(line) and (by.id() == me if me else by.word("type") == "Bot"):
                if item.word("body") != whole:
                    self._api.send("PATCH", f"{issues}/comments/{item.number('id')}", {"body": whole}, again=True)
                return
        self._api.send("POST", f"{issues}/{number:d}/comments", {"body": whole}, again=False)

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """See ports.Forge. A verdict stands until the same person gives another one; a comment is none."""
        path = f"/repos/{repository_path(repository)}/pulls/{number:d}/reviews"
        latest: dict[str, Reviewed] = {}
        for item in self._api.pages(path, {"per_page": 100}):  # oldest first
            state, by = VERDICTS.get(item.word("state").lower()), _person(item.maybe("user"))
            if state is not None and by.id:
                latest[by.id] = Reviewed(by, state, item.maybe_commit("commit_id") or "")
        return [item for item in latest.values() if item.state != DISMISSED]

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """See ports.Forge."""
        path = f"/repos/{repository_path(repository)}/commits/{commit_id(commit)}/pulls"
        found = []
        for item in self._api.pages(path, {"per_page": 100}):
            action = MERGED if "merged_at" in item else OPENED if item.word("state") == "open" else CLOSED
            found.append(_pull_request(item, _hosted(item.of("base").of("repo")), action))
        return newest_of(found)


def _event(kind: str, found: Fields) -> Event:
    if kind == "push":
        return _push(found)
    if kind == "pull_request":
        pull, action = found.of("pull_request"), ACTIONS.get(found.word("action"))
        if action == CLOSED and pull.flag("merged"):
            action = MERGED
        if action is not None:
            return _pull_request(pull, _hosted(found.of("repository")), action)
    if kind == "pull_request_review":
        review = found.of("review")
        state = VERDICTS.get(review.word("state").lower())
        if state is not None and found.word("action") in ("submitted", "dismissed"):
            hosted, number = _hosted(found.of("repository")), found.of("pull_request").number("number")
            return Review(hosted, number, state, _person(review.maybe("user")), review.commit("commit_id"))
    if kind == "ping":
        return Ping(_hosted(found.of("repository")) if "repository" in found else None)
    return Ignored(kind[:100])


def _push(found: Fields) -> Event:
    hosted, ref, before = _hosted(found.of("repository")), found.ref("ref"), found.maybe_commit("before")
    sender = found.maybe("sender")
    pusher = Person(sender.id(), sender.shown("login") or found.maybe("pusher").shown("name"))
    if not ref:
        return Ignored("push of another ref")
    after = found.maybe_commit("after")
    if found.flag("deleted") or after is None:
        return Deleted(hosted, ref, before, pusher)
    if ref.startswith(HEADS):
        return Pushed(hosted, ref.removeprefix(HEADS), before, after, found.flag("forced"), pusher)
    return Tagged(hosted, ref.removeprefix(TAGS), before, after, found.maybe("head_commit").maybe_commit("id"), pusher)


def _pull_request(pull: Fields, hosted: Hosted, action: Action) -> PullRequest:
    head, base = pull.of("head"), pull.of("base")
    source, target = head.maybe("repo"), base.of("repo")
    return PullRequest(
        hosted,
        pull.number("number"),
        action,
        head.commit("sha"),
        head.name("ref"),
        source.full_name("full_name") if "full_name" in source else "",
        source.id() != target.id() or not source.id(),
        base.name("ref"),
        _person(pull.maybe("user")),
        pull.shown("title", TITLE),
        pull.url("html_url"),
    )


def _hosted(found: Fields) -> Hosted:
    return found.hosted("full_name", "clone_url", "ssh_url")


def _person(found: Fields) -> Person:
    return Person(found.id(), found.shown("login"))
