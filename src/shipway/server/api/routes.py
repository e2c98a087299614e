"""The routes of the API, from the table. Each identifies who asks by their token, and checks its permission."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from shipway.actions.people.permitted import require
from shipway.domain.errors import ShipwayError, StoreError
from shipway.domain.people import Identity
from shipway.domain.permissions import ALL, APP, PERMISSIONS
from shipway.planfile.values import NAME_PATTERN
from shipway.server.access import sees
from shipway.server.api import reading
from shipway.server.api.asking import audited, body_of, token_identity
from shipway.server.api.commands import Started
from shipway.server.api.document import document
from shipway.server.api.events import Follower
from shipway.server.api.operation import (
    EVENTS,
    PREFIX,
    Call,
    Operation,
    Refused,
    error_data,
    missing,
    status_of,
)
from shipway.server.api.table import OPERATIONS
from shipway.server.orders import Busy, Orders
from shipway.server.site import Site
from shipway.server.streams import Streams
from shipway.server.threads import Threads

AT_ONCE = 8  # reads, of all programs: others of the server always find a thread


def routes(site: Site, orders: Orders, page: Callable[..., Response]) -> list[BaseRoute]:
    """The API, its document, and the page about it."""
    api = _Api(site, orders)
    made: list[BaseRoute] = [
        Route(item.path, partial(_asked, api, item), methods=[item.method]) for item in OPERATIONS
    ]  # fmt: skip
    made += Started(site).routes()
    handlers: Any = {ShipwayError: api.failed, HTTPException: unknown, Exception: api.broken}
    inner = Starlette(routes=made, exception_handlers=handlers)
    inner.router.redirect_slashes = False

    async def described(request: Request) -> Response:
        return JSONResponse(document())

    async def shown(request: Request) -> Response:
        return page(request, "api.html", operations=OPERATIONS, prefix=PREFIX)

    return [Route("/api", shown), Route("/api/openapi.json", described), Mount(PREFIX, inner)]


async def _asked(api: _Api, operation: Operation, request: Request) -> Response:
    return await api.answer(operation, request)


class _Api:
    def __init__(self, site: Site, orders: Orders) -> None:
        self._site, self._orders, self._follower = site, orders, Follower(Streams(site.ctx.ledger))
        self._threads = Threads(AT_ONCE)

    async def answer(self, operation: Operation, request: Request) -> Response:
        """After who asks was identified. What changes something is in the audit, also if it is refused."""
        who = await run_in_threadpool(token_identity, self._site, request)
        if not operation.changes:
            return await self._answer(operation, request, who)
        return await audited(self._site.ctx, request, who, self._answer(operation, request, who))

    async def _answer(self, operation: Operation, request: Request, who: Identity) -> Response:
        """After what was given was checked, and that they may do it."""
        body = await body_of(request) if operation.body is not None else b""
        query = dict(request.query_params)
        if (
            operation.media == EVENTS
            and "after" not in query
            and re.fullmatch("[0-9]{1,15}", last := request.headers.get("last-event-id", ""))
        ):
            query["after"] = last
        call = await run_in_threadpool(self._permitted, operation, request, who)
        call = replace(call, given=operation.take(query, body))
        if operation.media == EVENTS:
            return await self._follower.answer(operation.work, call, partial(self._again, operation, request))
        if operation.changes:
            found = await operation.work(call, self._orders)
            return JSONResponse(found, 200 if call.given.get("dry_run") else operation.status)
        return JSONResponse(await self._threads.run(operation.work, call), operation.status)

    def _again(self, operation: Operation, request: Request) -> Call:
        return self._permitted(operation, request, token_identity(self._site, request))

    def _permitted(self, operation: Operation, request: Request, who: Identity) -> Call:
        """NotAllowed without the permission there; Refused if it isn't there, or may not be seen."""
        ctx, permission, given = self._site.ctx, operation.permission, request.path_params
        call = Call(ctx, self._site.observer, who)
        if "number" in given:
            call = replace(call, number=_number(given["number"]))
        if "app" not in given:
            if operation.path != "/apps":  # which lists those that may be seen
                require(who, permission)
            return call
        names, name = ctx.names, _name(given["app"], "app")
        app = names.app(name)
        if app not in ctx.ledger.apps() or not (sees(who, app) or sees(who, app, permission)):
            raise missing(f"app {name}")
        call = replace(call, app=app, shown_app=names.shown(app))
        if "environment" not in given:
            self._require(who, permission, app)
            return call
        environment = names.environment(app, _name(given["environment"], "environment"))
        shown = names.shown(app, environment)
        board = self._site.observer.board(call.shown_app)
        if operation.changes:
            reading.require_seen(board)  # else it isn't known what is protected
        require(who, board.permission(permission, shown), app, environment)
        if environment not in ctx.ledger.environments(app) and shown not in {
            item.environment.name for item in board.environments
        }:
            raise missing(f"environment {shown} of {call.shown_app}")
        return replace(call, environment=environment, shown_environment=shown)

    def _require(self, who: Identity, permission: str, app: str) -> None:
        """Of what belongs to no environment: seen by who may see something of the app."""
        if PERMISSIONS[permission].reach == APP or not sees(who, app, permission):
            require(who, permission, app, ALL)

    # errors

    async def failed(self, request: Request, error: ShipwayError) -> Response:
        """As JSON."""
        if isinstance(error, Busy):
            error = Refused(429, error.message, hint=error.hint, name="NotAllowed", retry=1)
        elif isinstance(error, StoreError):  # why is not for everybody
            error = Refused(
                503, "the ledger does not answer", hint="try it again in a moment", name="StoreError", retry=1
            )
        status, headers = status_of(error), {}
        if status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if isinstance(error, Refused) and error.retry:
            headers["Retry-After"] = str(error.retry)
        return JSONResponse(error_data(error), status, headers)

    async def broken(self, request: Request, error: Exception) -> Response:
        """An error of Shipway itself, which the server's output has too."""
        data = {
            "name": "ShipwayError",
            "message": "unexpected error",
            "hint": "the output of `shipway serve` says more",
        }
        return JSONResponse(data, 500)


async def unknown(request: Request, error: HTTPException) -> Response:
    """What the table doesn't have."""
    hint = "/api lists what there is"
    data = {"name": "UsageError", "message": f"{error.detail.lower()}: {request.method} here", "hint": hint}
    return JSONResponse(data, error.status_code, error.headers)


def _name(text: str, what: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        raise missing(f"{what} of this name")
    return text


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,15}", text):
        raise missing("such number")
    return int(text)
