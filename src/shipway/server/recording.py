"""Each request that changes something is in the audit before it begins, with how it ended: whatever its route."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from shipway.actions.audit.recorded import end
from shipway.context import Context
from shipway.domain.audit import BEGAN, FAILED, INTERRUPTED, REFUSED, REQUEST, SUCCEEDED, Acting, Fact
from shipway.domain.errors import ShipwayError
from shipway.domain.people import SESSION, Identity
from shipway.domain.value import dataclass
from shipway.system.acting import acting_in_request

READS = ("GET", "HEAD", "OPTIONS")
REFUSALS = (401, 403, 409)
_PLACE = re.compile(r"/apps/([^/]+)(?:/.*?(?:environments|deployments)/([^/]+)|/)?")


class Recorded:
    """Makes known who asks and from where, and records each request of somebody who may change something with it. What
    no known person sends, as a sign-in or a webhook, is recorded by what it does."""

    def __init__(self, app: Any, ctx: Context, failed: Callable[[Request, ShipwayError], Awaitable[Any]]) -> None:
        self._app, self._ctx, self._failed = app, ctx, failed

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = scope.get("state", {}).get("identity")
        who = acting_of(identity, Request(scope))
        if identity is None or scope["method"] in READS:
            with acting_in_request(who):
                await self._app(scope, receive, send)
            return
        try:
            begun = await run_in_threadpool(begin, self._ctx, who, scope["method"], scope["path"])
        except ShipwayError as error:  # nothing is done that can't be recorded
            await (await self._failed(Request(scope), error))(scope, receive, send)
            return
        async with ended(self._ctx, begun) as answered:

            async def sending(message: Any) -> None:
                if message["type"] == "http.response.start":
                    answered[0] = message["status"]
                await send(message)

            await self._app(scope, receive, sending)


@dataclass(frozen=True)
class Begun:
    """A request whose beginning was recorded."""

    who: Acting
    fact: Fact


def begin(ctx: Context, who: Acting, method: str, path: str) -> Begun:
    """Record that it begins. StoreError if that isn't possible: then nothing may be done."""
    found = _PLACE.search(path)
    app, environment = (found[1], found[2] or "") if found else ("", "")
    names = ctx.names
    app = names.app(app) if app else ""
    place = names.environment(app, environment) if environment else ""
    fact = Fact(REQUEST, f"{method} {path}", app, place, outcome=BEGAN)
    with acting_in_request(who):
        return Begun(dataclasses.replace(who, entry=ctx.ledger.add_entry(fact)), fact)


@asynccontextmanager
async def ended(ctx: Context, begun: Begun) -> AsyncIterator[list[int]]:
    """Meanwhile it is known who asks, and at its end that is recorded: with the status of the answer, which the caller puts in
    the place of 0."""
    answered = [0]
    try:
        with acting_in_request(begun.who):
            yield answered
    finally:
        with CancelScope(shield=True):
            await run_in_threadpool(_end, ctx, begun, answered[0])


def _end(ctx: Context, begun: Begun, status: int) -> None:
    outcome = SUCCEEDED if status and status < 400 else REFUSED if status in REFUSALS else FAILED
    with (
        acting_in_request(begun.who),
        suppress(ShipwayError),
    ):  # it is done; that its end is not recorded shows in the audit
        how = f"status {status}" if status else ""
        end(ctx.ledger, begun.who.entry, begun.fact, outcome if status else INTERRUPTED, how)


def acting_of(identity: Identity | None, request: Request) -> Acting:
    """Who asks, how that was proven, and from which address."""
    origin = request.client.host if request.client else ""
    if identity is None:
        return Acting(origin=origin)
    how = f", {identity.how}" if identity.via == SESSION and identity.how else ""
    return Acting(identity.person, f"{identity.via} {identity.number}{how}", origin)
