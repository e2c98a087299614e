"""Bitbucket Cloud: webhooks, and its REST API of version 2.0."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

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
    hub,
    ignored,
    lowered,
    parsed,
    require_signature,
)
from shipway.drivers.forge.times import moment, seen, since_epoch
from shipway.ports import ForgeAccess

ENDPOINT = "https://api.bitbucket.org/2.0"
SITE = "https://bitbucket.org"
KEY = 40  # characters of a status's key
DESCRIPTION = 255  # characters
MARK = "[//]: # ({})"  # its Markdown has no comments; this defines a link that nothing uses
ACTIONS: Mapping[str, Action] = {
    "pullrequest:created": OPENED,
    "pullrequest:updated": UPDATED,
    "pullrequest:fulfilled": MERGED,
    "pullrequest:rejected": CLOSED,
}
VERDICTS: Mapping[str, Verdict] = {
    "pullrequest:approved": APPROVED,
    "pullrequest:unapproved": DISMISSED,
    "pullrequest:changes_request_created": CHANGES_REQUESTED,
    "pullrequest:changes_request_removed": DISMISSED,
}
_HOST = re.compile(r"https?://([A-Za-z0-9][A-Za-z0-9.-]*)/")
_SHORT = re.compile(r"[0-9a-f]{7,64}")
IS: Mapping[str, Action] = {"OPEN": OPENED, "MERGED": MERGED}
SENT: Mapping[State, str] = {PENDING: "INPROGRESS", SUCCESS: "SUCCESSFUL", FAILURE: "FAILED", ERROR: "STOPPED"}
STATES: Mapping[str, State] = {sent: state for state, sent in SENT.items()}
OPINIONS: Mapping[str, Verdict] = {"approved": APPROVED, "changes_requested": CHANGES_REQUESTED}


class Bitbucket:
    """Implements ports.Forge."""

    def __init__(self, access: ForgeAccess) -> None:
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        if access.user:
            pair = base64.b64encode(f"{access.user}:{access.token}".encode()).decode()
            headers = {"Authorization": f"Basic {pair}"}
        self._api = Api("Bitbucket", access, access.endpoint or ENDPOINT, headers)

    def receive(self, headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
        """See ports.Forge: X-Hub-Signature, with SHA-256. One push of several refs gives several events."""
        given = lowered(headers)
        require_signature(body, secret, hub(given.get("x-hub-signature")))
        events = _events(given.get("x-event-key", ""), parsed(given, body))
        return Delivery(delivery_id(given.get("x-request-uuid"), body), digest(body), events)

    def set_status(
        self, repository: str, commit: str, context: str, state: State, description: str = "", url: str = ""
    ) -> None:
        """See ports.Forge. Bitbucket wants an address: without one, it is the repository's own page."""
        url = url or f"{SITE}/{repository_path(repository)}"
        body = {"key": _key(context), "name": cut(context, DESCRIPTION), "state": SENT[state]}
        body |= {"description": cut(description, DESCRIPTION), "url": url}
        path = f"/repositories/{repository_path(repository)}/commit/{commit_id(commit)}/statuses/build"
        self._api.send("POST", path, body, again=True)

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """See ports.Forge. context: the key, or the whole name if only that is too long for a key."""
        path = f"/repositories/{repository_path(repository)}/commit/{commit_id(commit)}/statuses"
        found = []
        for item in self._api.pages(path, {"pagelen": 100}, key="values"):
            key, name = item.shown("key", TITLE), item.shown("name", TITLE)
            state = STATES.get(item.word("state"), ERROR)
            context = name if len(name) > KEY and key == _key(name) else key
            found.append(Status(context, state, item.shown("description", TITLE), item.url("url")))
        return found

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """See ports.Forge."""
        comments = f"/repositories/{repository_path(repository)}/pullrequests/{number:d}/comments"
        line, whole = marked(MARK, marker, text)
        user = self._api.get("/user", none=(401, 403, 404))  # an access token of a repository has no user
        me = self._api.read(user, "/user").id("uuid") if user is not None else ""
        body = {"content": {"raw": whole}}
        for item in self._api.pages(comments, {"pagelen": 100}, key="values"):  # oldest first
            by, said = item.maybe("user"), item.maybe("content").word("raw")
            mine = by.id("uuid") == me if me else by.word("type") not in ("", "user")
            if mine and said.startswith(line) and not item.flag("deleted"):
                if said != whole:
                    self._api.send("PUT", f"{comments}/{item.number('id')}", body, again=True)
                return
        self._api.send("POST", comments, body, again=False)

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """See ports.Forge. Bitbucket's log says when somebody approved; the commit is the newest one that was there by then."""
        base = f"/repositories/{repository_path(repository)}"
        path = f"{base}/pullrequests/{number:d}"
        pull = self._api.read(self._api.get(path), path)
        given = {}
        for item in pull.each("participants"):
            verdict = OPINIONS.get(item.word("state")) or (APPROVED if item.flag("approved") else None)
            by = _person(item.maybe("user"))
            if verdict is not None and by.id:
                given[by.id] = verdict, by
        if not given:
            return []
        pushed, times = [], dict[str, str]()
        for item in self._api.pages(f"{path}/activity", {"pagelen": 50}, key="values"):  # newest first
            update, by = item.maybe("update"), _person(item.maybe("approval", "user"))
            at = moment(update.word("date"))
            if at is not None:
                pushed.append((at, update.maybe("source", "commit").word("hash")))
            if by.id:
                times.setdefault(by.id, item.maybe("approval").word("date"))
        found = []
        for verdict, by in given.values():
            short = seen(pushed, times.get(by.id, "")) if verdict == APPROVED else ""
            found.append(Reviewed(by, verdict, self._whole(base, short)))
        return found

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """See ports.Forge. The repository needs the app `Pull Request Commit Links`, which Bitbucket offers to install."""
        base = f"/repositories/{repository_path(repository)}"
        path = f"{base}/commit/{commit_id(commit)}/pullrequests"
        numbers = [item.number("id") for item in self._api.pages(path, {"pagelen": 50}, key="values", none=(404,))]
        found = []
        for number in sorted(numbers, reverse=True)[:10]:
            pull = self._api.read(self._api.get(f"{base}/pullrequests/{number}"), path)
            hosted = _hosted(pull.of("destination").of("repository"))
            found.append(_pull_request(pull, hosted, IS.get(pull.word("state"), CLOSED)))
        newest = newest_of(found)
        return None if newest is None else replace(newest, head=self._whole(base, newest.head))

    def _whole(self, base: str, short: str) -> str:
        """The full id of a commit of which the log has the first digits; empty if there is none."""
        if not _SHORT.fullmatch(short):
            return ""
        found = self._api.get(f"{base}/commit/{short}", none=(404,))
        whole = "" if found is None else self._api.read(found, base).commit("hash")
        return whole if whole.startswith(short) else ""


def _events(kind: str, found: Fields) -> tuple[Event, ...]:
    if kind == "repo:push":
        hosted, pusher = _hosted(found.of("repository")), _person(found.maybe("actor"))
        return tuple(_change(item, hosted, pusher) for item in found.of("push").each("changes"))
    if kind in ACTIONS:
        pull = found.of("pullrequest")
        state = pull.word("state")  # the body says it too; the header isn't signed
        action = ACTIONS[kind] if state in ("", "OPEN") else IS.get(state, CLOSED)
        return (_pull_request(pull, _hosted(found.of("repository")), action),)
    if kind in VERDICTS:
        pull = found.of("pullrequest")
        about = found.maybe("changes_request") if "changes_request" in found else found.maybe("approval")
        by = _person(about.maybe("user"))
        verdict = _checked(VERDICTS[kind], pull, by)
        number, commit = pull.number("id"), pull.maybe("source", "commit").maybe_commit("hash", short=True) or ""
        return (Review(_hosted(found.of("repository")), number, verdict, by, commit),)
    return (ignored(kind),)


def _checked(verdict: Verdict, pull: Fields, by: Person) -> Verdict:
    """The verdict of the header, which isn't signed, unless the list of participants in the body has none of this person."""
    if verdict == APPROVED and "participants" in pull:
        own = [item for item in pull.each("participants") if item.maybe("user").id("uuid") == by.id]
        if own and not any(item.flag("approved") for item in own):
            return DISMISSED
    return verdict


def _change(item: Fields, hosted: Hosted, pusher: Person) -> Event:
    old, new = item.maybe("old"), item.maybe("new")
    what = new if "name" in new else old
    prefix = {"branch": HEADS, "tag": TAGS}.get(what.word("type"))
    if prefix is None:
        return Ignored("push of another ref")
    name = what.name("name")
    before = old.of("target").commit("hash") if "name" in old else None
    if "name" not in new:
        return Deleted(hosted, prefix + name, before, pusher)
    after = new.of("target").commit("hash")
    if prefix == HEADS:
        return Pushed(hosted, name, before, after, item.flag("forced"), pusher)
    return Tagged(hosted, name, before, after, after, pusher)


def _pull_request(pull: Fields, hosted: Hosted, action: Action) -> PullRequest:
    source, base = pull.of("source"), pull.of("destination")
    head = source.maybe("repository")
    outside = head.id("uuid") != base.of("repository").id("uuid") or not head.id("uuid")
    return PullRequest(
        hosted,
        pull.number("id"),
        action,
        source.maybe("commit").maybe_commit("hash", short=True) or "",
        source.maybe("branch").maybe_name("name"),
        head.full_name("full_name") if "full_name" in head else "",
        outside,
        base.of("branch").name("name"),
        _person(pull.maybe("author")),
        pull.shown("title", TITLE),
        pull.maybe("links", "html").url("href"),
        at=since_epoch(pull.word("updated_on")),
    )


def _hosted(found: Fields) -> Hosted:
    """Its payloads have no addresses to clone; they follow from that of its page."""
    name = found.full_name("full_name")
    page = _HOST.match(found.maybe("links", "html").url("href"))
    host = page[1] if page else "bitbucket.org"
    return Hosted(name, f"https://{host}/{name}.git", f"git@{host}:{name}.git")


def _person(found: Fields) -> Person:
    return Person(found.id("uuid"), found.shown("nickname") or found.shown("display_name"))


def _key(context: str) -> str:
    """The key of a status: its name, or a shorter one that is the same each time."""
    digits = hashlib.sha256(context.encode()).hexdigest()
    return context if len(context) <= KEY else f"{context[: KEY - 13]}-{digits[:12]}"
