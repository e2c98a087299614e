"""Stand-ins of forges, written after their published APIs: what all of them have in common."""

from __future__ import annotations

import json
import threading
import time
import zlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from shipway.domain.forge import DISMISSED, Hosted, Person, State, Verdict
from shipway.drivers import driver
from shipway.ports import ForgeAccess
from shipway.testing.forge import AFTER, BROKEN, ELSEWHERE, LIMIT, REFUSED, RESET, SILENT
from tests.conformance.cdn_lab import Answer, Front, Request

TOKEN = "token-of-the-forge"
ME = "shipway-bot"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Opinion:
    by: str
    verdict: Verdict
    commit: str
    at: str
    dismissed: bool = False


@dataclass
class Pull:
    number: int
    outside: bool
    commits: list[tuple[str, str]] = field(default_factory=list)  # with the time of the push
    merged: bool = False
    reviews: list[Opinion] = field(default_factory=list)


@dataclass
class Said:
    id: int
    by: str
    body: str


class StandIn:
    """A forge: what it keeps, and a server that answers as its API does."""

    name = ""  # of the driver
    prefix = ""  # of its API's paths
    hosted = Hosted("team/shop", "https://forge.example/team/shop.git", "git@forge.example:team/shop.git")

    def __init__(self, **access: Any) -> None:
        self.token = TOKEN
        self.front = Front(self._answer)
        self.front._server.handle_error = lambda *_: None  # type: ignore[assignment, method-assign]
        self.statuses: dict[str, list[dict[str, Any]]] = {}
        self.pulls: dict[int, Pull] = {}
        self.said: dict[int, list[Said]] = {}
        self.faults: list[str] = []
        self.strays: list[Mapping[str, str]] = []  # headers of requests that no token should be in
        self._ticks = 0
        self._access = {"timeout": 30.0, "patience": 0.3, "endpoint": self.front.address + self.prefix, **access}
        self.forge: Any = driver("forge", self.name)(ForgeAccess(TOKEN, **self._access))

    def close(self) -> None:
        threading.Thread(target=self.front.close, daemon=True).start()  # it waits for the server's loop

    def fail(self, how: str, times: int = 1) -> None:
        self.faults = [how] * times
        timeout = {"timeout": 0.2} if how == SILENT and times else {}
        self.forge = driver("forge", self.name)(ForgeAccess(TOKEN, **{**self._access, **timeout}))

    def _answer(self, request: Request) -> Answer:
        fault = self.faults.pop(0) if self.faults and request.method != "GET" else ""
        if fault == LIMIT:
            return 429, {"Retry-After": str(AFTER)}, f"slow down, {TOKEN}".encode()
        if fault == REFUSED:
            return 403, {}, f"{TOKEN} may not do that".encode()
        if fault == ELSEWHERE:
            return 307, {"Location": f"http://localhost:{self.front.address.rpartition(':')[2]}{request.path}"}, b""
        if request.headers["host"].startswith("localhost"):
            self.strays.append(request.headers)
        found = self.answer(request) if self._known(request) else (401, {}, b'{"message": "Bad credentials"}')
        if fault == RESET:
            raise ConnectionAbortedError
        if fault == SILENT:
            time.sleep(0.5)
        return (502, {}, b"bad gateway") if fault == BROKEN else found

    def _known(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {TOKEN}"

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the API answers to whoever has the token."""

    def now(self) -> str:
        self._ticks += 1
        return (START + timedelta(seconds=self._ticks)).isoformat().replace("+00:00", "Z")

    def number_of(self, name: str) -> int:
        """The id of a person, or of anything else that has a name."""
        return zlib.crc32(name.encode()) + 1

    def person(self, name: str) -> Person:
        return Person(str(self.number_of(name)), name)

    def open(self, number: int, *commits: str, outside: bool = False) -> None:
        pull = self.pulls.setdefault(number, Pull(number, outside))
        pull.commits += [(commit, self.now()) for commit in commits]

    def merge(self, number: int) -> None:
        self.pulls[number].merged = True

    def review(self, number: int, name: str, verdict: Verdict) -> None:
        pull = self.pulls[number]
        if verdict == DISMISSED:
            next(item for item in reversed(pull.reviews) if item.by == name).dismissed = True
        else:
            pull.reviews.append(Opinion(name, verdict, pull.commits[-1][0], self.now()))

    def others_status(self, commit: str, context: str, state: State) -> None:
        self.keep_status(commit, context, state, "by another", "https://ci.example/1")

    def keep_status(self, commit: str, context: str, state: str, description: str, url: str) -> dict[str, Any]:
        kept = self.statuses.setdefault(commit, [])
        kept.append({"id": len(kept) + 1, "context": context, "state": state, "description": description, "url": url})
        return kept[-1]

    def latest(self, commit: str) -> list[dict[str, Any]]:
        return list({item["context"]: item for item in self.statuses.get(commit, [])}.values())

    def chatter(self, number: int, count: int, text: str = "+1") -> None:
        for _ in range(count):
            self.say(number, "somebody", text)

    def say(self, number: int, by: str, text: str) -> Said:
        said = self.said.setdefault(number, [])
        said.append(Said(number * 1000 + len(said) + 1, by, text))
        return said[-1]

    def comments(self, number: int) -> Sequence[str]:
        return [item.body.partition("\n\n")[2] for item in self.said.get(number, []) if item.by == ME]

    def find(self, id: int) -> Said:
        return next(item for said in self.said.values() for item in said if item.id == id)


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(value).encode()


def missing() -> Answer:
    return reply({"message": "Not Found"}, 404)


def linked(request: Request, items: Sequence[Any], size: str, most: int, wrap: str = "") -> Answer:
    """A page of a list. The address of the next one is that for others, which Shipway can't reach."""
    count = min(int(request.query.get(size, "30")), most)
    page = int(request.query.get("page", "1"))
    part = list(items[(page - 1) * count : page * count])
    headers = {}
    if page * count < len(items):
        query = urlencode({**request.query, "page": page + 1})
        headers["Link"] = (
            f'<https://outside.invalid/x?page=1>; rel="first", <https://outside.invalid/x?{query}>; rel="next"'
        )
    return reply({wrap: part, "total_count": len(items)} if wrap else part, 200, headers)
