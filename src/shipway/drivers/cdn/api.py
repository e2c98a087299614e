"""The HTTP interface of a provider: its errors as ours, and a GET as a visitor sends it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from shipway.domain.cdn import Answered
from shipway.domain.errors import CdnError
from shipway.system.fetch import Fetcher, Server
from shipway.system.http import Answer, retry_after, without_answer
from shipway.system.redact import shortened

SHOWN = 200  # characters of an error's body


class Api:
    """Requests to one server, on one connection. secret: name of the secret with its token, for messages."""

    def __init__(self, name: str, endpoint: str, timeout: float, *, secret: str = "", direct: bool = False) -> None:
        self._name, self._endpoint, self._secret = name, endpoint.rstrip("/"), secret
        self._fetcher = Fetcher(timeout, direct=direct)
        self._timeout = timeout
        self._server: Server | None = None

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        on: str = "",
    ) -> Answer:
        """Send a request until it is accepted. on: the URL whose host name the request is for. CdnError otherwise."""
        answer = self._asked(method, path, headers or {}, body, on)
        self._require_accepted(answer)
        return answer

    def _asked(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, on: str) -> Answer:
        host = {"Host": urlsplit(on).netloc} if on else {}
        for again in (self._server is not None, False):  # a kept connection may have been closed meanwhile
            try:
                if self._server is None:
                    self._server = self._fetcher.server(self._endpoint)
                return self._server.ask(method, f"{self._endpoint}{path}", {**headers, **host}, body)
            except OSError as error:
                self.close()
                if not again or isinstance(error, TimeoutError):
                    raise CdnError(f"{self._name} can't be reached: {without_answer(error, self._timeout)}") from error
        raise AssertionError

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._server is not None:
            self._server.__exit__()
            self._server = None

    def _require_accepted(self, answer: Answer) -> None:
        if 200 <= answer.status <= 299:
            return
        said = shortened(" ".join(answer.body.decode("utf-8", "replace").split()), SHOWN)
        if answer.status in (401, 403):
            name = self._secret
            raise CdnError(
                f"{self._name} refused the request (status {answer.status}): {said}",
                hint=f"the secret {name} must have a token that may purge this zone" if name else "",
                refused=True,
            )
        raise CdnError(
            f"{self._name} answered with status {answer.status}: {said}",
            retry_after=retry_after(answer, time.time()),
            refused=answer.status in (400, 404, 405),
        )


def look(url: str, timeout: float, *, at: str = "") -> Answered:
    """GET a URL as a visitor does, at this server instead of its own one if given. CdnError without an answer."""
    try:
        with Fetcher(timeout, direct=bool(at)).server(at or url) as server:
            path = url.partition("://")[2].partition("/")[2]
            where = f"{at.rstrip('/')}/{path}" if at else url
            answer = server.ask("GET", where, {"Host": urlsplit(url).netloc} if at else {})
    except OSError as error:
        raise CdnError(f"{at or urlsplit(url).netloc} can't be asked: {without_answer(error, timeout)}") from error
    return answered(answer.status, answer.headers)


def answered(status: int, headers: Any) -> Answered:
    """What the headers of an answer say about its age."""
    age = headers.get("Age", "").strip()
    validator = headers.get("ETag") or headers.get("Last-Modified") or ""
    return Answered(status, float(age) if age.isdigit() else None, validator)
