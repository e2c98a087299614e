"""Forges: what they tell of pushes, pull requests and reviews, and what they are told. All of it is from outside: data."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from shipway.domain.value import dataclass

Action = Literal["opened", "updated", "closed", "merged"]
Verdict = Literal["approved", "changes_requested", "dismissed"]
State = Literal["pending", "success", "failure", "error"]

OPENED: Action = "opened"
UPDATED: Action = "updated"
CLOSED: Action = "closed"
MERGED: Action = "merged"
APPROVED: Verdict = "approved"
CHANGES_REQUESTED: Verdict = "changes_requested"
DISMISSED: Verdict = "dismissed"
PENDING: State = "pending"
SUCCESS: State = "success"
FAILURE: State = "failure"
ERROR: State = "error"
BY_WEIGHT = (SUCCESS, PENDING, ERROR, FAILURE)  # of several states of one name the last one counts


@dataclass(frozen=True)
class Person:
    """Who did it. id: the forge's own, which never changes; names can be changed, and taken by others. Either may be empty."""

    id: str
    name: str = ""


@dataclass(frozen=True)
class Hosted:
    """A repository of a forge: its full name (owner/name), and the addresses to clone it, empty if it has none."""

    full_name: str
    https: str = ""
    ssh: str = ""


@dataclass(frozen=True)
class Pushed:
    """A branch has another commit. before: None for a new branch. forced: None if the forge doesn't say."""

    repository: Hosted
    branch: str
    before: str | None
    after: str
    forced: bool | None
    pusher: Person


@dataclass(frozen=True)
class Tagged:
    """A tag was made, or moved (with `before`). after: what it names, at some forges the annotated tag itself. commit: None if
    the forge doesn't say."""

    repository: Hosted
    tag: str
    before: str | None
    after: str
    commit: str | None
    pusher: Person


@dataclass(frozen=True)
class Deleted:
    """A branch or tag was removed. ref: in full. before: None if the forge doesn't say."""

    repository: Hosted
    ref: str
    before: str | None
    pusher: Person


@dataclass(frozen=True)
class PullRequest:
    """A pull request, and what happened to it. head: the commit, or its first 12 digits if the forge says no more; it
    and `branch` are empty if they are gone. outside: its commits are
    from another repository, or from one that is gone. author: without a name where the forge gives only the id."""

    repository: Hosted
    number: int
    action: Action
    head: str
    branch: str  # of the head
    head_repository: str  # full name; empty: gone
    outside: bool
    base: str  # branch
    author: Person
    title: str
    url: str
    at: float = field(default=0.0, compare=False)  # when it happened, by the forge's clock; 0: the forge doesn't say


@dataclass(frozen=True)
class Review:
    """What a person thinks of a pull request. commit: see `PullRequest.head`. dismissed: the verdict doesn't count any more; of
    everybody, if `by` is empty."""

    repository: Hosted
    number: int
    state: Verdict
    by: Person
    commit: str


@dataclass(frozen=True)
class Ping:
    """The forge tries the webhook."""

    repository: Hosted | None  # None: it is for several


@dataclass(frozen=True)
class Ignored:
    """An event that means nothing to Shipway. kind: the forge's name of it."""

    kind: str


Event = Pushed | Tagged | Deleted | PullRequest | Review | Ping | Ignored


@dataclass(frozen=True)
class Delivery:
    """One webhook request, whose signature is right. id: the forge's, equal when it repeats a request; most forges don't sign it.
    digest: of the body, which is signed: a request that somebody recorded and sends again has the same one."""

    id: str
    digest: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Status:
    """The state of a check of a commit. context: its name."""

    context: str
    state: State
    description: str = ""
    url: str = ""


@dataclass(frozen=True)
class Reviewed:
    """A person's latest verdict. commit: in full; empty if the forge can't say which one was seen: it counts for none. official:
    False if the forge says that the person may not write to the repository; on a public one, anybody may review."""

    by: Person
    state: Verdict
    commit: str
    official: bool = True


def newest_of(found: list[PullRequest]) -> PullRequest | None:
    """Of several pull requests with one commit: an open one, else a merged one, else the newest."""
    order = (UPDATED, CLOSED, MERGED, OPENED)
    return max(found, key=lambda item: (order.index(item.action), item.number), default=None)


def worst_of(found: list[Status]) -> list[Status]:
    """One status a name: the worst, since a check can be reported in two ways."""
    kept: dict[str, Status] = {}
    for item in found:
        known = kept.get(item.context)
        if known is None or BY_WEIGHT.index(item.state) > BY_WEIGHT.index(known.state):
            kept[item.context] = item
    return list(kept.values())
