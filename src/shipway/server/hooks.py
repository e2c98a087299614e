"""Webhooks of forges: stored before they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shipway.actions.runs.webhooks import receive
from shipway.context import Context
from shipway.domain.errors import Forged, SecretError, StoreError, Unreadable
from shipway.ports import Forge

LARGEST = 25 << 20  # bytes of a body: no forge sends more
PATIENCE = 10.0  # seconds for a whole request


class Hooks:
    """The route /hooks/NAME, which is open: a request proves by its signature who sent it."""

    def __init__(self, ctx: Context, forge: Callable[[str], Forge]) -> None:
        self._ctx, self._forge = ctx, forge

    async def receive(self, request: Request) -> Response:
        """202: it is queued, or it was already; or it tells of nothing that runs."""
        try:
            body = await asyncio.wait_for(_body(request), PATIENCE)
        except TimeoutError:
            return _refused(408, f"the request did not come within {PATIENCE:g} seconds")
        if body is None:
            return _refused(413, f"the body has more than {LARGEST} bytes")
        return await run_in_threadpool(self._receive, str(request.path_params["name"]), dict(request.headers), body)

    def _receive(self, name: str, headers: dict[str, str], body: bytes) -> Response:
        try:
            webhook = next((item for item in self._ctx.ledger.webhooks() if item.name == name), None)
            if webhook is None:  # as for a wrong signature: a guess learns nothing
                raise Forged()
            queued = receive(self._ctx, webhook, self._forge(webhook.forge), headers, body)
        except Forged as error:
            return _refused(403, error.message)
        except Unreadable as error:
            return _refused(400, error.message)
        except (StoreError, SecretError) as error:  # the forge shows it, and can send it again
            return _refused(503, error.message)
        return JSONResponse({"queued": [push.id for push in queued]}, 202)


async def _body(request: Request) -> bytes | None:
    """None: it is too large, and the rest is not read."""
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)
