"""A forge in memory. Its webhooks have a form of their own."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from shipway.domain import forge
from shipway.domain.errors import Forged, ForgeError, Unreadable
from shipway.domain.forge import Delivery, Event, Hosted, Person, PullRequest, Reviewed, State, Status
from shipway.domain.refs import valid_name
from shipway.system.plain import plain
from shipway.testing.memory_calls import Recorder

SIGNATURE, ID = "X-Memory-Signature", "X-Memory-Delivery"
_EVENTS: Mapping[str, type] = {
    item.__name__: item
    for item in (
        forge.Pushed,
        forge.Tagged,
        forge.Deleted,
        forge.PullRequest,
        forge.Review,
        forge.Ping,
        forge.Ignored,
    )
}


class MemoryForge(Recorder):
    """Implements ports.Forge. What it keeps is by repository, and by commit or number."""

    def __init__(self) -> None:
        super().__init__()
        self.kept_statuses: dict[tuple[str, str], dict[str, Status]] = {}
        self.comments: dict[tuple[str, int], dict[str, str]] = {}  # text by marker
        self.kept_reviews: dict[tuple[str, int], list[Reviewed]] = {}
        self.pull_requests: dict[tuple[str, str], list[PullRequest]] = {}

    def receive(self, headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
        """What `delivery` made."""
        given = {name.lower(): value for name, value in headers.items()}
        signature = given.get(SIGNATURE.lower(), "").encode("utf-8", "surrogatepass")
        if not secret.strip() or not hmac.compare_digest(signature, _signature(body, secret).encode()):
            raise Forged
        try:
            events = tuple(_read(item) for item in json.loads(body.decode()))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Unreadable("the webhook's body is not what the forge in memory sends") from error
        digest = hashlib.sha256(body).hexdigest()
        return Delivery(given.get(ID.lower()) or digest, digest, events)

    def set_status(
        self, repository: str, commit: str, context: str, state: State, description: str = "", url: str = ""
    ) -> None:
        """Keep it."""
        with self._call("set_status", repository, commit, context, state):
            said = Status(context, state, description[:140], url)
            self.kept_statuses.setdefault((repository, commit), {})[context] = said

    def statuses(self, repository: str, commit: str) -> Sequence[Status]:
        """What was set."""
        with self._call("statuses", repository, commit):
            return list(self.kept_statuses.get((repository, commit), {}).values())

    def comment(self, repository: str, number: int, marker: str, text: str) -> None:
        """Keep it."""
        with self._call("comment", repository, number, marker):
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", marker):
                raise ForgeError(f"{marker!r} is no marker", refused=True)
            self.comments.setdefault((repository, number), {})[marker] = text

    def reviews(self, repository: str, number: int) -> Sequence[Reviewed]:
        """The latest of each person, without dismissed ones."""
        with self._call("reviews", repository, number):
            latest = {item.by.id: item for item in self.kept_reviews.get((repository, number), [])}
            return [item for item in latest.values() if item.state != forge.DISMISSED]

    def pull_request_of(self, repository: str, commit: str) -> PullRequest | None:
        """What was put there."""
        with self._call("pull_request_of", repository, commit):
            return forge.newest_of(self.pull_requests.get((repository, commit), []))


def delivery(events: Sequence[Event], secret: str, id: str = "") -> tuple[dict[str, str], bytes]:
    """A signed webhook request of the forge in memory."""
    found = [{"event": type(item).__name__, **dataclasses.asdict(item)} for item in events]
    body = json.dumps(found).encode()
    return {SIGNATURE: _signature(body, secret), **({ID: id} if id else {})}, body


def _signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode("utf-8", "surrogatepass"), body, hashlib.sha256).hexdigest()


def _read(item: dict[str, Any]) -> Event:
    values = {name: value for name, value in item.items() if name != "event"}
    for name, value in values.items():
        if name in ("pusher", "author", "by"):
            values[name] = Person(**value)
        elif name == "repository" and value is not None:
            values[name] = Hosted(**value)
        elif name in ("branch", "base", "tag") and not valid_name(value):
            raise ValueError(value)
        elif name == "title":
            values[name] = " ".join(plain(value).split())[:300]
    found: Event = _EVENTS[item["event"]](**values)
    return found
