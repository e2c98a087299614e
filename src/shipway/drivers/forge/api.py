"""The HTTP interface of a forge: requests with its token, repeated where that is safe, and lists of several pages."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from shipway.domain.errors import ForgeError
from shipway.drivers.forge.payload import Fields
from shipway.ports import ForgeAccess
from shipway.system.fetch import Fetcher
from shipway.system.http import LONGEST, Answer, retry_after, without_answer
from shipway.system.redact import shortened

MOST = 32 << 20  # bytes of an answer
SHOWN = 200  # characters of an error's body
LONG = 30_000  # characters of a comment; Bitbucket takes the least
PAGES = 20  # of a list
REDIRECTS = 3  # followed in a row
PASSING = (429, 500, 502, 503, 504)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TOKEN = re.compile(r"[!-~]*")
_MARKER = re.compile(r"[A-Za-z0-9_-]{1,60}")
_NEXT = re.compile(r'<([^>]*)>[^,]*;\s*rel="?next"?')

Query = Mapping[str, str | int]


class Api:
    """Requests to one forge, each on a connection of its own. name: of the forge, for messages. headers: with the token."""

    def __init__(self, name: str, access: ForgeAccess, endpoint: str, headers: Mapping[str, str]) -> None:
        self.name, self._access = name, access
        self._base = endpoint.rstrip("/")
        self._headers = {"Accept": "application/json", **headers}
        self._fetcher = Fetcher(access.timeout, direct=False)

    def get(self, path: str, query: Query | None = None, *, none: tuple[int, ...] = ()) -> Any:
        """The value that a GET returns; None for these statuses."""
        answer = self._send("GET", self._url(path, query), None, none=none, again=True)
        return None if answer.status in none else self._value(answer)

    def send(self, method: str, path: str, body: Mapping[str, object], *, again: bool) -> Any:
        """Send a change, and return the answer's value. again: doing it twice is harmless."""
        return self._value(self._send(method, self._url(path, None), json.dumps(body).encode(), again=again))

    def pages(self, path: str, query: Query, *, key: str = "", none: tuple[int, ...] = ()) -> Iterator[Fields]:
        """The objects of a list, whose pages the header `Link` or the field `next` names. key: of the list in each answer.
        ForgeError if there are too many pages: a part of a list would be mistaken for the whole."""
        asked = {name: str(value) for name, value in query.items()}
        for _ in range(PAGES):
            answer = self._send("GET", self._url(path, asked), None, none=none, again=True)
            if answer.status in none:
                return
            value = self._value(answer)
            items = value.get(key) if key and isinstance(value, dict) else value
            if not isinstance(items, list):
                raise self._strange(f"{path} is no list")
            for item in items:
                yield self.read(item, path)
            following = _following(answer, value)
            if not following or not items:
                return
            # Only the query is taken: a forge behind a proxy may name an address that it has for others.
            asked = {**asked, **dict(parse_qsl(following.partition("#")[0].partition("?")[2]))}
        raise ForgeError(f"{self.name}: {path} has more than {PAGES} pages, too many to read", refused=True)

    def read(self, found: Any, path: str) -> Fields:
        """An object of an answer."""
        return Fields(found, path, self._strange)

    def _url(self, path: str, query: Query | None) -> str:
        if "://" not in self._base:
            raise ForgeError(
                f"{self.name} has no address",
                hint="give the address of its API, such as https://git.example.com/api/v1",
            )
        return f"{self._base}{path}" + (f"?{urlencode(query)}" if query else "")

    def _send(self, method: str, url: str, body: bytes | None, *, again: bool, none: tuple[int, ...] = ()) -> Answer:
        if not _TOKEN.fullmatch(self._access.token):
            raise ForgeError(
                f"the token for {self.name} has characters that no token has",
                hint="look for a space or a line break in it",
                refused=True,
            )
        waited, delay = 0.0, 0.25
        while True:
            error = None
            try:
                answer = self._redirected(method, url, body)
            except OSError as found:
                error = ForgeError(f"{self.name} can't be reached: {without_answer(found, self._access.timeout)}")
                error.__cause__ = found
                passing = again and not isinstance(found, TimeoutError)
            else:
                limited = _limited(answer)
                if 200 <= answer.status <= 299 or (answer.status in none and not limited):
                    return answer
                error = self._refused(answer, limited)
                passing = limited or (again and answer.status in PASSING)
            pause = error.retry_after or delay
            if not passing or waited + pause > self._access.patience:
                raise error
            time.sleep(pause)
            waited, delay = waited + pause, delay * 2

    def _redirected(self, method: str, url: str, body: bytes | None) -> Answer:
        """The answer, after redirects that stay at the forge: its token goes nowhere else."""
        for _ in range(REDIRECTS + 1):
            with self._fetcher.server(url) as server:
                headers = {**self._headers, **({"Content-Type": "application/json"} if body is not None else {})}
                answer = server.ask(method, url, {"Connection": "close", **headers}, body, MOST)
            location = answer.headers.get("Location", "")
            follow = (301, 302, 303, 307, 308) if method == "GET" else (307, 308)
            if not 300 <= answer.status <= 399 or answer.status not in follow or not location:
                return answer
            target = _target(url, location)
            if target is None:
                raise ForgeError(
                    f"{self.name} redirects to another address; the token is not sent there",
                    hint="give the address at which its API answers",
                    refused=True,
                )
            url = target
        raise ForgeError(f"{self.name} redirects more than {REDIRECTS} times", refused=True)

    def _refused(self, answer: Answer, limited: bool) -> ForgeError:
        said = " ".join(answer.body[: SHOWN * 10].decode("utf-8", "replace").split())
        for secret in (self._access.token, self._headers.get("Authorization", "").partition(" ")[2]):
            said = said.replace(secret, "***") if secret else said
        said = shortened(said, SHOWN)
        if answer.status in (401, 403) and not limited:
            return ForgeError(
                f"{self.name} refused the request (status {answer.status}): {said}",
                hint="the token must be valid, and have the permissions that docs/forges.md lists",
                refused=True,
            )
        return ForgeError(
            f"{self.name} answered with status {answer.status}: {said}",
            retry_after=_pause(answer, time.time()),
            refused=400 <= answer.status <= 499 and not limited,
        )

    def _value(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body) if answer.body.strip() else None
        except (ValueError, RecursionError) as error:
            raise self._strange("it is no JSON") from error

    def _strange(self, why: str) -> ForgeError:
        return ForgeError(f"{self.name}'s answer is not understood: {why}")


def repository_path(repository: str) -> str:
    """A repository's full name in an address. ForgeError if it is none."""
    parts = repository.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise ForgeError(f"{repository!r} is no full name of a repository, such as owner/name", refused=True)
    return "/".join(quote(part, safe="") for part in parts)


def commit_id(commit: str) -> str:
    """A full commit id. ForgeError otherwise."""
    if not _COMMIT.fullmatch(commit):
        raise ForgeError(f"{commit!r} is no full id of a commit", refused=True)
    return commit


def marked(form: str, marker: str, text: str) -> tuple[str, str]:
    """The hidden line of a marker, and the text with it. form: how the forge hides it."""
    if not _MARKER.fullmatch(marker):
        raise ForgeError(f"{marker!r} is no marker: it takes up to 60 letters, digits, `-` and `_`", refused=True)
    line = form.format(f"shipway:{marker}")
    short = text if len(text) <= LONG else f"{text[:LONG]}…\n\n(The rest is too long for a comment.)"
    return line, f"{line}\n\n{short}"


def cut(text: str, most: int) -> str:
    """A text on one line, of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _target(url: str, location: str) -> str | None:
    """Where a redirect leads; None unless that is the same server."""
    try:
        target = urljoin(url, quote(location, safe="%/:?&=#+,;@~!$'()*[]", encoding="iso-8859-1"))
        return target if urlsplit(target)[:2] == urlsplit(url)[:2] else None
    except ValueError:
        return None


def _following(answer: Answer, value: Any) -> str:
    found = value.get("next") if isinstance(value, dict) else None
    if isinstance(found, str):
        return found
    link = _NEXT.search(", ".join(answer.headers.get_all("Link") or ()))
    return link[1] if link else ""


def _limited(answer: Answer) -> bool:
    """Whether the forge has had too many requests. GitHub says so with status 403 too."""
    used_up = answer.headers.get("X-RateLimit-Remaining", "").strip() == "0"
    return answer.status == 429 or (answer.status == 403 and (used_up or "Retry-After" in answer.headers))


def _pause(answer: Answer, now: float) -> float:
    """Seconds until the next request; GitHub can say when its count starts again instead."""
    reset = answer.headers.get("X-RateLimit-Reset", "").strip()
    if "Retry-After" in answer.headers or not _limited(answer) or not reset.isdecimal():
        return retry_after(answer, now)
    return min(max(float(reset[:15]) - now, 0.0), LONGEST)
