"""Gitea and Forgejo: webhooks, and their REST API of version 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipway.domain.forge import (
    APPROVED,
    CHANGES_REQUESTED,
    CLOSED,
    FAILURE,
    MERGED,
    OPENED,
    PENDING,
    SUCCESS,
    Deleted,
    Delivery,
    Event,
    Ignored,
    PullRequest,
    Review,
    Reviewed,
    State,
    Status,
    Verdict,
)
from shipway.domain.refs import HEADS, TAGS
from shipway.drivers.forge.api import Api, commit_id, cut, repository_path
from shipway.drivers.forge.hub import (
    comment,
    hosted,
    person,
    pull_request,
    pull_request_event,
    push,
    set_status,
    status,
)
from shipway.drivers.forge.payload import (
    Fields,
    delivery_id,
    digest,
    hub,
    ignored,
    lowered,
    parsed,
    require_signature,
)
from shipway.ports import ForgeAccess

DESCRIPTION = 255  # characters
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
        set_status(self._api, repository, commit, context, state, cut(description, DESCRIPTION), url)

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """See ports.Forge."""
        path = f"/repos/{repository_path(repository)}/commits/{commit_id(commit)}/statuses"
        latest: dict[str, tuple[int, Status]] = {}
        for item in self._api.pages(path, {"limit": 50, "page": 1}):  # each that was ever set
            found = status(item, STATES.get(item.word("status") or item.word("state")))
            if (at := item.number("id")) > latest.get(found.context, (0,))[0]:
                latest[found.context] = at, found
        return [found for _, found in latest.values()]

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """See ports.Forge."""
        me = self._api.read(self._api.get("/user"), "/user").id()
        comment(self._api, repository, number, marker, text, {}, lambda by: by.id() == me)

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """See ports.Forge."""
        path = f"/repos/{repository_path(repository)}/pulls/{number:d}/reviews"
        latest: dict[str, Reviewed | None] = {}
        for item in self._api.pages(path, {"limit": 50, "page": 1}):  # oldest first
            state, by = VERDICTS.get(item.word("state")), person(item.maybe("user"))
            if state is not None and by.id:
                counts = not item.flag("dismissed")
                commit, official = item.maybe_commit("commit_id") or "", item.flag("official")
                latest[by.id] = Reviewed(by, state, commit, official) if counts else None
        return [item for item in latest.values() if item is not None]

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """See ports.Forge. The API names the merged one of a commit; an open one is found by its head."""
        path, one = f"/repos/{repository_path(repository)}", f"/commits/{commit_id(commit)}/pull"
        for item in self._api.pages(f"{path}/pulls", {"state": "open", "limit": 50, "page": 1}):
            if item.maybe("head").word("sha") == commit:
                return pull_request(item, hosted(item.of("base").of("repo")), OPENED)
        found = self._api.get(path + one, none=(404,))
        if found is None:
            return None
        pull = self._api.read(found, path)
        return pull_request(pull, hosted(pull.of("base").of("repo")), MERGED if pull.flag("merged") else CLOSED)


def _event(kind: str, found: Fields) -> Event:
    if kind == "push":
        return push(found, person(found.maybe("pusher")), forced=None)
    if kind == "delete":  # of a branch it sends no push, of a tag both
        prefix = {"branch": HEADS, "tag": TAGS}.get(found.word("ref_type"))
        if prefix is not None and "sha" not in found:  # a `create` has it
            return Deleted(
                hosted(found.of("repository")), prefix + found.name("ref"), None, person(found.maybe("sender"))
            )
    if kind in ("pull_request", "pull_request_sync"):
        return pull_request_event(found) or Ignored(kind)
    verdict = TYPES.get(found.maybe("review").word("type"))
    if kind in REVIEWS and verdict is not None:
        pull = found.of("pull_request")
        commit = found.maybe_commit("commit_id") or pull.of("head").maybe_commit("sha") or ""
        repository, by = hosted(found.of("repository")), person(found.maybe("sender"))
        return Review(repository, pull.number("number"), verdict, by, commit)
    return ignored(kind)
