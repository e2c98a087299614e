"""Each request that changes something is in the audit before it begins, with how it ended: whatever its route."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import Any

from anyio import CancelScope
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from shipway.actions.audit.recorded import end
from shipway.context import Context
from shipway.domain.audit import BEGAN, FAILED, INTERRUPTED, REFUSED, REQUEST, SUCCEEDED, Acting, Fact
from shipway.domain.errors import ShipwayError
from shipway.domain.people import SESSION, Identity
from shipway.system.acting import acting_in_request

READS = ("GET", "HEAD", "OPTIONS")
REFUSALS = (401, 403, 409)
_PLACE = re.compile(r"/apps/([^/]+)(?:/.*?(?:environments|deployments)/([^/]+)|/)?")


class Recorded:
    """Makes known who asks and from where, and records each request of somebody who may change something with it. What
    nobody in particular sends, as a sign-in or a webhook, is recorded by what it does."""

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
            fact, number = await run_in_threadpool(self._begin, who, scope["method"], scope["path"])
        except ShipwayError as error:  # nothing is done that can't be recorded
            await (await self._failed(Request(scope), error))(scope, receive, send)
            return
        await self._call(scope, receive, send, dataclasses.replace(who, entry=number), fact)

    async def _call(self, scope: Any, receive: Any, send: Any, who: Acting, fact: Fact) -> None:
        answered = [0]

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                answered[0] = message["status"]
            await send(message)

        try:
            with acting_in_request(who):
                await self._app(scope, receive, sending)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._end, who, fact, answered[0])

    def _begin(self, who: Acting, method: str, path: str) -> tuple[Fact, int]:
        found = _PLACE.search(path)
        app, environment = (found[1], found[2] or "") if found else ("", "")
        names = self._ctx.names
        app = names.app(app) if app else ""
        fact = Fact(
            REQUEST, f"{method} {path}", app, names.environment(app, environment) if environment else "", outcome=BEGAN
        )
        with acting_in_request(who):
            return fact, self._ctx.ledger.add_entry(fact)

    def _end(self, who: Acting, fact: Fact, status: int) -> None:
        outcome = SUCCEEDED if status and status < 400 else REFUSED if status in REFUSALS else FAILED
        with acting_in_request(who):
            try:
                end(
                    self._ctx.ledger,
                    who.entry,
                    fact,
                    outcome if status else INTERRUPTED,
                    f"status {status}" if status else "",
                )
            except ShipwayError:  # it is done; that its end is not recorded shows in the audit
                return


def acting_of(identity: Identity | None, request: Request) -> Acting:
    """Who asks, how that was proven, and from which address."""
    origin = request.client.host if request.client else ""
    if identity is None:
        return Acting(origin=origin)
    how = f", {identity.how}" if identity.via == SESSION and identity.how else ""
    return Acting(identity.person, f"{identity.via} {identity.number}{how}", origin)
