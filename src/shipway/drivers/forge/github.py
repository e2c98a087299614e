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
    Delivery,
    Event,
    Ignored,
    Person,
    Ping,
    PullRequest,
    Review,
    Reviewed,
    State,
    Status,
    Verdict,
    newest_of,
    worst_of,
)
from shipway.drivers.forge.api import Api, Query, commit_id, cut, repository_path
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
    TITLE,
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

ENDPOINT = "https://api.github.com"
DESCRIPTION = 140  # characters
VERDICTS: Mapping[str, Verdict] = {
    "approved": APPROVED,
    "changes_requested": CHANGES_REQUESTED,
    "dismissed": DISMISSED,
}
MEMBERS = ("OWNER", "MEMBER", "COLLABORATOR")  # what a person is to a repository to which they may write
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
        set_status(self._api, repository, commit, context, state, cut(description, DESCRIPTION), url)

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """See ports.Forge: commit statuses, and check runs, which GitHub Actions makes."""
        path = f"/repos/{repository_path(repository)}/commits/{commit_id(commit)}"
        found = [
            status(item, STATES.get(item.word("state")))
            for item in self._api.pages(f"{path}/status", {"per_page": 100}, key="statuses")
        ]
        latest: Query = {"per_page": 100, "filter": "latest"}  # 403: a token that may not read them
        for item in self._api.pages(f"{path}/check-runs", latest, key="check_runs", none=(403,)):
            state = CONCLUSIONS.get(item.word("conclusion"), ERROR) if item.word("status") == "completed" else PENDING
            said = item.maybe("output").shown("title", TITLE)
            found.append(Status(item.shown("name", TITLE), state, said, item.url("html_url")))
        return worst_of(found)

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """See ports.Forge."""
        user = self._api.get("/user", none=(403, 404))  # a token of an app has no user, but writes as a bot
        me = self._api.read(user, "/user").id() if user is not None else ""

        def mine(by: Fields) -> bool:
            return by.id() == me if me else by.word("type") == "Bot"

        comment(self._api, repository, number, marker, text, {"per_page": 100}, mine)

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """See ports.Forge. A verdict stands until the same person gives another one; a comment is none."""
        path = f"/repos/{repository_path(repository)}/pulls/{number:d}/reviews"
        latest: dict[str, Reviewed] = {}
        for item in self._api.pages(path, {"per_page": 100}):  # oldest first
            state, by = VERDICTS.get(item.word("state").lower()), person(item.maybe("user"))
            if state is not None and by.id:
                official = item.word("author_association") in MEMBERS
                latest[by.id] = Reviewed(by, state, item.maybe_commit("commit_id") or "", official)
        return [item for item in latest.values() if item.state != DISMISSED]

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """See ports.Forge."""
        path = f"/repos/{repository_path(repository)}/commits/{commit_id(commit)}/pulls"
        found = []
        for item in self._api.pages(path, {"per_page": 100}):
            action = MERGED if "merged_at" in item else OPENED if item.word("state") == "open" else CLOSED
            found.append(pull_request(item, hosted(item.of("base").of("repo")), action))
        return newest_of(found)


def _event(kind: str, found: Fields) -> Event:
    if kind == "push":
        sender = person(found.maybe("sender"))
        pusher = sender if sender.id else Person("", found.maybe("pusher").shown("name"))
        return push(found, pusher, forced=found.flag("forced"))
    if kind == "pull_request":
        return pull_request_event(found) or Ignored(kind)
    if kind == "pull_request_review":
        review = found.of("review")
        state = VERDICTS.get(review.word("state").lower())
        if state is not None and found.word("action") in ("submitted", "dismissed"):
            repository, number = hosted(found.of("repository")), found.of("pull_request").number("number")
            return Review(
                repository, number, state, person(review.maybe("user")), review.maybe_commit("commit_id") or ""
            )
    if kind == "ping":
        return Ping(hosted(found.of("repository")) if "repository" in found else None)
    return ignored(kind)
