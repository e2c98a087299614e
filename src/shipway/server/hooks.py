"""Webhooks of forges: stored before they are answered."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shipway.actions.runs.webhooks import receive
from shipway.context import Context
from shipway.domain.errors import Forged, LeaseHeld, OtherRepository, Overtaken, SecretError, StoreError, Unreadable
from shipway.ports import Forge
from shipway.system.acting import acting, acting_in_request

LARGEST = 25 << 20  # bytes of a body: no forge sends more
MOST = 5 * LARGEST  # bytes of all bodies at once
PATIENCE = 10.0  # seconds for a whole request


class Hooks:
    """The route /hooks/NAME, which is open: a request proves by its signature who sent it."""

    def __init__(self, ctx: Context, forge: Callable[[str], Forge]) -> None:
        self._ctx, self._forge = ctx, forge
        self._held = 0  # bytes of all bodies that are being read: anybody can send them

    async def receive(self, request: Request) -> Response:
        """202: it is queued, or it was already; or it tells of nothing that runs, of another repository, or of what is past."""
        body = bytearray()
        try:
            try:
                refused = await asyncio.wait_for(self._read(request, body), PATIENCE)
            except TimeoutError:
                refused = _refused(408, f"the request did not come within {PATIENCE:g} seconds")
            if refused is not None:
                return refused
            name, headers = str(request.path_params["name"]), dict(request.headers)
            return await run_in_threadpool(self._receive, name, headers, bytes(body))
        finally:
            self._held -= len(body)

    async def _read(self, request: Request, body: bytearray) -> Response | None:
        """Append it to `body`, or return why it is not taken; the rest is not read then."""
        async for part in request.stream():
            if len(body) + len(part) > LARGEST:
                return _refused(413, f"the body has more than {LARGEST} bytes")
            if self._held + len(part) > MOST:
                return _refused(503, "there are too many requests at once; send it again in a moment")
            body += part
            self._held += len(part)
        return None

    def _receive(self, name: str, headers: dict[str, str], body: bytes) -> Response:
        try:
            webhook = next((item for item in self._ctx.ledger.webhooks() if item.name == name), None)
            if webhook is None:  # as for a wrong signature: a guess learns nothing
                raise Forged()
            with acting_in_request(dataclasses.replace(acting(), proof=f"signed by the webhook {name}")):
                queued = receive(self._ctx, webhook, self._forge(webhook.forge), headers, body)
        except Forged as error:
            return _refused(403, error.message)
        except (OtherRepository, Overtaken) as error:  # forges turn off a webhook whose requests are refused
            return JSONResponse({"queued": [], "ignored": error.message}, 202)
        except Unreadable as error:
            return _refused(400, error.message)
        except StoreError:  # why is not for everybody; the forge can send it again
            return _refused(503, "the ledger does not answer")
        except LeaseHeld:
            return _refused(
                503, "another request about this pull request is being dealt with; send it again in a moment"
            )
        except SecretError as error:  # the forge shows it
            return _refused(503, error.message)
        return JSONResponse({"queued": [push.id for push in queued]}, 202)


def _refused(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status)
