"""What the payloads and answers of GitHub and Gitea have in common: Gitea took them over."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from shipway.domain.forge import (
    CLOSED,
    ERROR,
    MERGED,
    OPENED,
    UPDATED,
    Action,
    Deleted,
    Event,
    Hosted,
    Ignored,
    Person,
    PullRequest,
    Pushed,
    State,
    Status,
    Tagged,
)
from shipway.domain.refs import HEADS, TAGS
from shipway.drivers.forge.api import Api, Query, commit_id, marked, repository_path
from shipway.drivers.forge.payload import TITLE, Fields
from shipway.drivers.forge.times import since_epoch

MARK = "<!-- {} -->"
ACTIONS: Mapping[str, Action] = {
    "opened": OPENED,
    "reopened": OPENED,
    "synchronize": UPDATED,
    "synchronized": UPDATED,  # Gitea's spelling
    "edited": UPDATED,
    "closed": CLOSED,
}


def push(found: Fields, pusher: Person, *, forced: bool | None) -> Event:
    """A push of one ref."""
    repository, ref, before = hosted(found.of("repository")), found.ref("ref"), found.maybe_commit("before")
    if not ref:
        return Ignored("push of another ref")
    after = found.maybe_commit("after")
    if after is None:
        return Deleted(repository, ref, before, pusher)
    if ref.startswith(HEADS):
        return Pushed(repository, ref.removeprefix(HEADS), before, after, forced, pusher)
    commit = found.maybe("head_commit").maybe_commit("id")
    return Tagged(repository, ref.removeprefix(TAGS), before, after, commit, pusher)


def pull_request_event(found: Fields) -> PullRequest | None:
    """What happened to a pull request; None if it is nothing that counts. Reviews and comments have one too, and the header that
    tells them apart isn't signed. The title of a closed one can be edited, which doesn't open it."""
    pull, action = found.of("pull_request"), ACTIONS.get(found.word("action"))
    if "review" in found or "comment" in found or (action != CLOSED and pull.word("state") == "closed"):
        return None
    if action == CLOSED and pull.flag("merged"):
        action = MERGED
    return None if action is None else pull_request(pull, hosted(found.of("repository")), action)


def pull_request(pull: Fields, repository: Hosted, action: Action) -> PullRequest:
    """A pull request."""
    head, base = pull.of("head"), pull.of("base")
    source, target = head.maybe("repo"), base.of("repo")
    return PullRequest(
        repository,
        pull.number("number"),
        action,
        head.maybe_commit("sha") or "",
        head.maybe_name("ref"),
        source.full_name("full_name") if "full_name" in source else "",
        source.id() != target.id() or not source.id(),
        base.name("ref"),
        person(pull.maybe("user")),
        pull.shown("title", TITLE),
        pull.url("html_url"),
        at=since_epoch(pull.word("updated_at")),
    )


def hosted(found: Fields) -> Hosted:
    """A repository."""
    return found.hosted("full_name", "clone_url", "ssh_url")


def person(found: Fields) -> Person:
    """A user."""
    return Person(found.id(), found.shown("login"))


def set_status(api: Api, repository: str, commit: str, context: str, state: State, description: str, url: str) -> None:
    """Each status is kept; the newest of a name counts. description: within the forge's limit."""
    body = {"state": state, "context": context, "description": description}
    path = f"/repos/{repository_path(repository)}/statuses/{commit_id(commit)}"
    api.send("POST", path, {**body, "target_url": url} if url else body, again=True)


def comment(
    api: Api, repository: str, number: int, marker: str, text: str, query: Query, mine: Callable[[Fields], bool]
) -> None:  # fmt: skip
    """Update the comment with the marker whose author is this token's, or add one."""
    issues = f"/repos/{repository_path(repository)}/issues"
    line, whole = marked(MARK, marker, text)
    for item in api.pages(f"{issues}/{number:d}/comments", query):
        if item.word("body").startswith(line) and mine(item.maybe("user")):
            if item.word("body") != whole:
                api.send("PATCH", f"{issues}/comments/{item.number('id')}", {"body": whole}, again=True)
            return
    api.send("POST", f"{issues}/{number:d}/comments", {"body": whole}, again=False)


def status(item: Fields, state: State | None) -> Status:
    """A status of a list. state: None if it isn't known."""
    said, url = item.shown("description", TITLE), item.url("target_url")
    return Status(item.shown("context", TITLE), state or ERROR, said, url)
