"""What each request of a program has: who asks, its body, and its place in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shipway.actions.people.identify import identify
from shipway.context import Context
from shipway.domain.errors import NotSignedIn, ShipwayError
from shipway.domain.people import TOKEN, Identity
from shipway.server.api.operation import LARGEST, Refused, status_of
from shipway.server.recording import acting_of, begin, ended
from shipway.server.site import Site

PATIENCE = 10.0  # seconds for a whole body


def token_identity(site: Site, request: Request) -> Identity:
    """Who asks, by the token in the header and nothing else: a cookie never counts, so no other site's page can ask. NotSignedIn
    without one."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    found = identify(site.ctx, token.strip() if kind.lower() == "bearer" else "")
    if found.via != TOKEN:
        raise NotSignedIn("that is the secret of a session, not a token", hint="`shipway token create` makes one")
    return found


async def audited(ctx: Context, request: Request, who: Identity, work: Awaitable[Response]) -> Response:
    """The answer of what changes something: it is in the audit, also if it is refused."""
    begun = await run_in_threadpool(begin, ctx, acting_of(who, request), request.method, request.url.path)
    async with ended(ctx, begun) as status:
        try:
            answer = await work
        except ShipwayError as error:
            status[0] = status_of(error)
            raise
        status[0] = answer.status_code
        return answer


async def body_of(request: Request, most: int = LARGEST) -> bytes:
    """The body. Refused if it is too large, too slow, or not JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "the body is not JSON", hint="Content-Type: application/json")
    size, parts = 0, list[bytes]()

    async def read() -> None:
        nonlocal size
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise Refused(413, f"the body has more than {most} bytes")
            parts.append(part)

    try:
        await asyncio.wait_for(read(), PATIENCE)
    except TimeoutError:
        raise Refused(408, f"the body did not come within {PATIENCE:g} seconds") from None
    except ClientDisconnect:
        raise Refused(400, "the body is not complete") from None
    return b"".join(parts)
