"""Gitea and Forgejo: webhooks, and their REST API of version 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.forge import (
    APPROVED,
    CHANGES_REQUESTED,
    CLOSED,
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
    PullRequest,
    Pushed,
    Review,
    Reviewed,
    State,
    Status,
    Tagged,
    Verdict,
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

DESCRIPTION = 255  # characters
MARK = "<!-- {} -->"
ACTIONS: Mapping[str, Action] = {
    "opened": OPENED,
    "reopened": OPENED,
    "synchronized": UPDATED,
    "edited": UPDATED,
    "closed": CLOSED,
}
REVIEWS = (
    "pull_request_approved",
    "pull_request_rejected",
    "pull_request_review_approved",
    "pull_request_review_rejected",
)
TYPES: Mapping[str, Verdict] = {  # the body says it too; the header isn't signed
    "pull_request_review_approved": APPROVED,
    "pull_request_review_rejected": CHANGES_REQUESTED,
}
VERDICTS: Mapping[str, Verdict] = {"APPROVED": APPROVED, "REQUEST_CHANGES": CHANGES_REQUESTED}
STATES: Mapping[str, State] = {"success": SUCCESS, "pending": PENDING, "failure": FAILURE, "warning": FAILURE}


class Gitea:
    """Implements ports.Forge. It has no public address: `endpoint` must be given."""

    def __init__(self, access: ForgeAccess) -> None:
        self._api = Api(
            "Gitea", access, access.endpoint, {"Authorization": f"token {access.token}"} if access.token else {}
        )

    def receive(self, headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
        """See ports.Forge: X-Gitea-Signature, X-Forgejo-Signature or X-Hub-Signature-256."""
        given = lowered(headers)
        require_signature(
            body,
            secret,
            given.get("x-gitea-signature"),
            given.get("x-forgejo-signature"),
            hub(given.get("x-hub-signature-256")),
        )
        kind = given.get("x-gitea-event") or given.get("x-forgejo-event") or ""
        event = _event(kind, parsed(given, body))
        sent = given.get("x-gitea-delivery") or given.get("x-forgejo-delivery")
        return Delivery(delivery_id(sent, body), digest(body), (event,))

    def set_status(
        self, repository: str, commit: str, context: str, state: State, description: str = "", url: str = ""
    ) -> None:
        """See ports.Forge. Each one is kept; the newest of a name counts."""
        body = {"state": state, "context": context, "description": cut(description, DESCRIPTION)}
        path = f"/repos/{repository_path(repository)}/statuses/{commit_id(commit)}"
        self._api.send("POST", path, {**body, "target_url": url} if url else body, again=True)

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """See ports.Forge."""
        path = f"/repos/{repository_path(repository)}/commits/{commit_id(commit)}/status"
        return worst_of(
            [
                Status(
                    item.shown("context", TITLE),
                    STATES.get(item.word("status") or item.word("state"), ERROR),
                    item.shown("description", TITLE),
                    item.url("target_url"),
                )
                for item in self._api.pages(path, {"limit": 50, "page": 1}, key="statuses")
            ]
        )

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """See ports.Forge."""
        issues = f"/repos/{repository_path(repository)}/issues"
        line, whole = marked(MARK, marker, text)
        me = self._api.read(self._api.get("/user"), "/user").id()
        for item in self._api.pages(f"{issues}/{number:d}/comments", {}):
            if item.word("body").startswith(line) and item.maybe("user").id() == me:
                if item.word("body") != whole:
                    self._api.send("PATCH", f"{issues}/comments/{item.number('id')}", {"body": whole}, again=True)
                return
        self._api.send("POST", f"{issues}/{number:d}/comments", {"body": whole}, again=False)

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """See ports.Forge."""
        path = f"/repos/{repository_path(repository)}/pulls/{number:d}/reviews"
        latest: dict[str, Reviewed | None] = {}
        for item in self._api.pages(path, {"limit": 50, "page": 1}):  # oldest first
            state, by = VERDICTS.get(item.word("state")), _person(item.maybe("user"))
            if state is not None and by.id:
                counts = not item.flag("dismissed")
                latest[by.id] = Reviewed(by, state, item.maybe_commit("commit_id") or "") if counts else None
        return [item for item in latest.values() if item is not None]

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """See ports.Forge. The API names the merged one of a commit; an open one is found by its head."""
        path = f"/repos/{repository_path(repository)}"
        for item in self._api.pages(f"{path}/pulls", {"state": "open", "limit": 50, "page": 1}):
            if item.maybe("head").word("sha") == commit:
                return _pull_request(item, _hosted(item.of("base").of("repo")), OPENED)
        found = self._api.get(f"{path}/commits/{commit_id(commit)}/pull", none=(404,))
        if found is None:
            return None
        pull = self._api.read(found, path)
        return _pull_request(pull, _hosted(pull.of("base").of("repo")), MERGED if pull.flag("merged") else CLOSED)


def _event(kind: str, found: Fields) -> Event:
    if kind == "push":
        return _push(found)
    if kind == "delete":  # of a branch it sends no push, of a tag both
        prefix = {"branch": HEADS, "tag": TAGS}.get(found.word("ref_type"))
        if prefix is not None and "sha" not in found:  # a `create` has it
            return Deleted(
                _hosted(found.of("repository")), prefix + found.name("ref"), None, _person(found.maybe("sender"))
            )
    if kind in ("pull_request", "pull_request_sync"):
        pull, action = found.of("pull_request"), ACTIONS.get(found.word("action"))
        if action == CLOSED and pull.flag("merged"):
            action = MERGED
        if action is not None:
            return _pull_request(pull, _hosted(found.of("repository")), action)
    verdict = TYPES.get(found.maybe("review").word("type"))
    if kind in REVIEWS and verdict is not None:
        pull = found.of("pull_request")
        commit = found.maybe_commit("commit_id") or pull.of("head").commit("sha")
        hosted, by = _hosted(found.of("repository")), _person(found.maybe("sender"))
        return Review(hosted, pull.number("number"), verdict, by, commit)
    return Ignored(kind[:100])


def _push(found: Fields) -> Event:
    hosted, ref, before = _hosted(found.of("repository")), found.ref("ref"), found.maybe_commit("before")
    pusher = _person(found.maybe("pusher"))
    if not ref:
        return Ignored("push of another ref")
    after = found.maybe_commit("after")
    if after is None:
        return Deleted(hosted, ref, before, pusher)
    if ref.startswith(HEADS):
        return Pushed(hosted, ref.removeprefix(HEADS), before, after, None, pusher)
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
