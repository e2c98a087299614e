"""Ask a web application without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from shipway.domain.value import dataclass


@dataclass(frozen=True)
class Answer:
    """headers: by their names in small letters."""

    status: int
    headers: dict[str, str]
    text: str


def routes(app: Any) -> Any:
    """Of a web application, below what is around it."""
    while not hasattr(app, "routes"):
        app = app._app
    return app.routes


def ask(
    app: Any,
    path: str,
    method: str = "GET",
    body: bytes | Sequence[bytes] = b"",
    heard: Callable[[bytes], object] = lambda part: None,
    **headers: str,
) -> Answer:
    """Ask for a path, and wait for the whole answer. body: in parts, each comes later. heard: called with each part of the answer
    as it comes, the first is empty. headers: with _ for -."""
    route, _, query = path.partition("?")
    scope = {
        "type": "http", "http_version": "1.1", "asgi": {"version": "3.0"}, "method": method, "scheme": "http", "path": route, "raw_path": route.encode(),
        "query_string": query.encode(), "root_path": "", "server": ("127.0.0.1", 8470), "client": ("127.0.0.1", 1), "extensions": {},
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "127.0.0.1:8470", **headers}.items()],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def run() -> None:
        parts = [body] if isinstance(body, bytes) else body
        given = iter(
            {"type": "http.request", "body": part, "more_body": at < len(parts)} for at, part in enumerate(parts, 1)
        )

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(0.001 if len(parts) > 1 else 0)
            found = next(given, None)
            if found is None:
                await asyncio.sleep(3600)
            return found or {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            await asyncio.to_thread(heard, message.get("body", b""))

        await app(scope, receive, send)

    asyncio.run(run())
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]).decode())
