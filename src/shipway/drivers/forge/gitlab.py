"""GitLab: webhooks, and its REST API of version 4. A pull request is a merge request there."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from shipway.domain.errors import Forged, ForgeError
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
    PullRequest,
    Pushed,
    Review,
    Reviewed,
    State,
    Status,
    Tagged,
    Verdict,
    newest_of,
)
from shipway.domain.refs import HEADS, TAGS
from shipway.drivers.forge.api import Api, commit_id, cut, marked, repository_path
from shipway.drivers.forge.payload import (
    TITLE,
    Fields,
    delivery_id,
    digest,
    encoded,
    ignored,
    lowered,
    parsed,
    same,
)
from shipway.drivers.forge.times import moment, seen, since_epoch
from shipway.ports import ForgeAccess

ENDPOINT = "https://gitlab.com/api/v4"
DESCRIPTION = 255  # characters
MARK = "<!-- {} -->"
SIGNING = "whsec_"  # how a signing token begins; another secret is one that GitLab sends as it is
TOLERANCE = 300.0  # seconds between the clocks, and for the way
ACTIONS: Mapping[str, Action] = {
    "open": OPENED,
    "reopen": OPENED,
    "update": UPDATED,
    "close": CLOSED,
    "merge": MERGED,
}
VERDICTS: Mapping[str, Verdict] = {  # the first of each pair: others must still approve, or still do
    "approval": APPROVED,
    "approved": APPROVED,
    "unapproval": DISMISSED,
    "unapproved": DISMISSED,
}
SENT: Mapping[State, str] = {PENDING: "pending", SUCCESS: "success", FAILURE: "failed", ERROR: "failed"}
STATES: Mapping[str, State] = {"success": SUCCESS, "failed": FAILURE, "canceled": ERROR, "skipped": ERROR}
IS: Mapping[str, Action] = {"opened": OPENED, "locked": OPENED, "merged": MERGED}


class GitLab:
    """Implements ports.Forge."""

    def __init__(self, access: ForgeAccess, now: Callable[[], float] = time.time) -> None:
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        self._api = Api("GitLab", access, access.endpoint or ENDPOINT, headers)
        self._now = now

    def receive(self, headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
        """See ports.Forge. A signing token (`whsec_…`) wants the header `webhook-signature`, at most 5 minutes old; any other
        secret is compared with X-Gitlab-Token."""
        given = lowered(headers)
        if secret.startswith(SIGNING):
            self._require_signed(given, body, secret)
        elif not secret.strip() or not same(given.get("x-gitlab-token", ""), secret):
            raise Forged
        event = _event(parsed(given, body))
        sent = given.get("webhook-id") if secret.startswith(SIGNING) else given.get("idempotency-key")
        return Delivery(delivery_id(sent, body), digest(body), (event,))

    def _require_signed(self, given: Mapping[str, str], body: bytes, secret: str) -> None:
        sent, at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
        try:
            key = base64.b64decode(secret.removeprefix(SIGNING).strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        content = b".".join([encoded(sent), encoded(at), body])
        expected = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        right = [same(item, expected) for item in given.get("webhook-signature", "").split()[:10]]
        timely = at.isascii() and at.isdigit() and len(at) < 15 and abs(self._now() - int(at)) <= TOLERANCE
        if len(key) < 16 or not any(right) or not timely:
            raise Forged

    def set_status(
        self, repository: str, commit: str, context: str, state: State, description: str = "", url: str = ""
    ) -> None:
        """See ports.Forge. It becomes a job of the commit's pipeline. GitLab knows no error beside a failure."""
        body = {"state": SENT[state], "name": context, "description": cut(description, DESCRIPTION)}
        path = f"/projects/{_project(repository)}/statuses/{commit_id(commit)}"
        try:
            self._api.send("POST", path, {**body, "target_url": url} if url else body, again=True)
        except ForgeError as error:
            if state != PENDING or "Cannot transition status" not in error.message:
                raise  # otherwise it is pending already

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """See ports.Forge: the jobs of the commit's pipelines, and what others have set."""
        path = f"/projects/{_project(repository)}/repository/commits/{commit_id(commit)}/statuses"
        latest: dict[str, tuple[int, Status]] = {}
        for item in self._api.pages(path, {"per_page": 100}):
            state, name, at = STATES.get(item.word("status"), PENDING), item.shown("name", TITLE), item.number("id")
            if at > latest.get(name, (0,))[0]:
                latest[name] = at, Status(name, state, item.shown("description", TITLE), item.url("target_url"))
        return [status for _, status in latest.values()]

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """See ports.Forge."""
        notes = f"/projects/{_project(repository)}/merge_requests/{number:d}/notes"
        line, whole = marked(MARK, marker, text)
        me = self._api.read(self._api.get("/user"), "/user").id()
        for item in self._api.pages(notes, {"sort": "asc", "order_by": "created_at", "per_page": 100}):
            if item.word("body").startswith(line) and item.maybe("author").id() == me:
                if item.word("body") != whole:
                    self._api.send("PUT", f"{notes}/{item.number('id')}", {"body": whole}, again=True)
                return
        self._api.send("POST", notes, {"body": whole}, again=False)

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """See ports.Forge. GitLab says when somebody approved; the commit is the newest one that was there by then."""
        path = f"/projects/{_project(repository)}/merge_requests/{number:d}"
        pushed = [
            (at, item.maybe_commit("head_commit_sha") or "")
            for item in self._api.pages(f"{path}/versions", {"per_page": 100})
            if (at := moment(item.word("created_at"))) is not None
        ]
        found = {}
        for item in self._api.read(self._api.get(f"{path}/approvals"), path).each("approved_by"):
            by = _person(item.maybe("user"))
            found[by.id] = Reviewed(by, APPROVED, seen(pushed, item.word("approved_at")))
        for item in self._api.pages(f"{path}/reviewers", {"per_page": 100}, none=(404,)):
            if item.word("state") == "requested_changes":
                by = _person(item.maybe("user"))
                found[by.id] = Reviewed(by, CHANGES_REQUESTED, "")
        return [item for id, item in found.items() if id]

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """See ports.Forge."""
        path = f"/projects/{_project(repository)}/repository/commits/{commit_id(commit)}/merge_requests"
        found = []
        for item in self._api.pages(path, {"per_page": 100}):
            outside = item.id("source_project_id") != item.id("target_project_id") or not item.id("source_project_id")
            source = self._full_name(item.id("source_project_id")) if outside else repository
            found.append(
                PullRequest(
                    Hosted(repository),
                    item.number("iid"),
                    IS.get(item.word("state"), CLOSED),
                    item.maybe_commit("sha") or "",
                    item.maybe_name("source_branch"),
                    source,
                    outside,
                    item.name("target_branch"),
                    _person(item.maybe("author")),
                    item.shown("title", TITLE),
                    item.url("web_url"),
                )
            )
        return newest_of(found)

    def _full_name(self, project: str) -> str:
        found = self._api.get(f"/projects/{project}", none=(404,)) if project else None
        return "" if found is None else self._api.read(found, "/projects").full_name("path_with_namespace")


def _event(found: Fields) -> Event:
    kind = found.word("object_kind")
    if kind in ("push", "tag_push"):
        return _push(found)
    attributes = found.maybe("object_attributes")
    action = attributes.word("action")
    if (
        kind == "merge_request"
        and action in ("open", "reopen", "update")
        and attributes.word("state") in ("closed", "merged")
    ):
        return ignored(kind)  # its title was edited
    if kind == "merge_request" and action in ACTIONS:
        return _pull_request(found, ACTIONS[action])
    if kind == "merge_request" and action in VERDICTS:
        by = Person("") if found.flag("system") or attributes.flag("system") else _person(found.maybe("user"))
        commit = attributes.maybe("last_commit").maybe_commit("id") or ""
        return Review(_hosted(found.of("project")), attributes.number("iid"), VERDICTS[action], by, commit)
    return ignored(kind or found.word("event_name"))


def _push(found: Fields) -> Event:
    hosted, ref, before = _hosted(found.of("project")), found.ref("ref"), found.maybe_commit("before")
    pusher = Person(found.id("user_id"), found.shown("user_username") or found.shown("user_name"))
    if not ref:
        return Ignored("push of another ref")
    after = found.maybe_commit("after")
    if after is None:
        return Deleted(hosted, ref, before, pusher)
    if ref.startswith(HEADS):
        return Pushed(hosted, ref.removeprefix(HEADS), before, after, None, pusher)
    return Tagged(hosted, ref.removeprefix(TAGS), before, after, found.maybe_commit("checkout_sha"), pusher)


def _pull_request(found: Fields, action: Action) -> PullRequest:
    attributes = found.of("object_attributes")
    source, target = attributes.maybe("source"), attributes.id("target_project_id")
    user, author = _person(found.maybe("user")), attributes.id("author_id")
    return PullRequest(
        _hosted(found.of("project")),
        attributes.number("iid"),
        action,
        attributes.maybe("last_commit").maybe_commit("id") or "",
        attributes.maybe_name("source_branch"),
        source.full_name("path_with_namespace") if "path_with_namespace" in source else "",
        attributes.id("source_project_id") != target or not target,
        attributes.name("target_branch"),
        user if user.id == author else Person(author),
        attributes.shown("title", TITLE),
        attributes.url("url"),
        at=since_epoch(attributes.word("updated_at")),
    )


def _hosted(found: Fields) -> Hosted:
    return found.hosted("path_with_namespace", "git_http_url", "git_ssh_url")


def _person(found: Fields) -> Person:
    return Person(found.id(), found.shown("username"))


def _project(repository: str) -> str:
    repository_path(repository)
    return quote(repository, safe="")
