"""The pages of the release server, as a web application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shipway.context import Context
from shipway.domain.errors import ShipwayError, StoreError, UsageError
from shipway.domain.value import dataclass
from shipway.server import pages
from shipway.server.observer import Board, Observer
from shipway.system.durations import ago, human, timestamp

HERE = Path(__file__).parent
POLL = 0.25  # seconds between looks for what follows
ALIVE = 15.0  # seconds after which a stream without news sends a sign of life
PAGE = 1000  # events read at once
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Site:
    """What the pages need."""

    ctx: Context
    observer: Observer


class Headers:
    """Adds the security headers to every answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                known = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.lower().encode() not in known
                    ),
                ]
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


def application(site: Site) -> Any:
    """The web application."""
    shown = _Pages(site)
    routes = [
        Route("/", shown.home),
        Route("/apps/{app}", shown.board),
        Route("/apps/{app}/changes", shown.changes),
        Route("/apps/{app}/runs", shown.runs),
        Route("/apps/{app}/runs/{number:int}", shown.run),
        Route("/apps/{app}/runs/{number:int}/events", shown.run_events),
        Route("/apps/{app}/deployments/{environment}/{number:int}", shown.deployment),
        Route("/apps/{app}/deployments/{environment}/{number:int}/events", shown.deployment_events),
        Route("/queue", shown.queue),
        Route("/queue/{number:int}", shown.push),
        Route("/queue/{number:int}/events", shown.push_events),
        Route("/healthz", shown.healthz),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    handlers: Any = {ShipwayError: shown.failed, HTTPException: shown.refused}
    return Headers(Starlette(routes=routes, exception_handlers=handlers))


class _Pages:
    def __init__(self, site: Site) -> None:
        self._ctx, self._observer = site.ctx, site.observer
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._templates.globals.update(ago=ago, human=human, timestamp=timestamp, state=pages.state)

    # pages

    async def home(self, request: Request) -> Response:
        apps = await run_in_threadpool(self._observer.apps)
        if len(apps) == 1:
            return RedirectResponse(f"/apps/{apps[0]}")
        return self._page("home.html", boards=[self._observer.board(name) for name in apps], summary=pages.summary)

    async def board(self, request: Request) -> Response:
        name = await self._app(request)
        found = self._observer.board(name)
        return await run_in_threadpool(self._board, found)

    def _board(self, board: Board) -> Response:
        ctx, app = self._ctx, self._ctx.names.app(board.app)
        environments = [{"item": item, "back": pages.back(ctx, app, item)} for item in board.environments]
        return self._page(
            "board.html", app=board.app, board=board, environments=environments, summary=pages.summary(board), now=ctx.clock(),
            deployments=pages.deployments(ctx, app), live=f"/apps/{board.app}/changes?version={board.version}",
            running=[item for item in pages.runs(ctx, app) if item["item"].finished is None],
        )  # fmt: skip

    async def runs(self, request: Request) -> Response:
        name = await self._app(request)
        found = await run_in_threadpool(pages.runs, self._ctx, self._ctx.names.app(name))
        return self._page("runs.html", app=name, runs=found)

    async def queue(self, request: Request) -> Response:
        def read() -> list[dict[str, Any]]:
            return pages.pushes(self._ctx.ledger.pushes(), self._ctx.ledger.now())

        return self._page("queue.html", app=None, pushes=await run_in_threadpool(read))

    async def run(self, request: Request) -> Response:
        return await self._logged(request, "run.html", self._run)

    async def deployment(self, request: Request) -> Response:
        return await self._logged(request, "deployment.html", self._deployment)

    async def push(self, request: Request) -> Response:
        return await self._logged(request, "push.html", self._push)

    async def healthz(self, request: Request) -> Response:
        try:
            await run_in_threadpool(self._ctx.ledger.now)
        except StoreError as error:
            return PlainTextResponse(f"the ledger does not answer: {error.message}\n", 503)
        return PlainTextResponse("ok\n")

    # what follows, as server-sent events

    async def changes(self, request: Request) -> Response:
        name = await self._app(request)
        seen = _number(request, "version")

        async def stream() -> AsyncIterator[str]:
            waited = 0.0
            while self._observer.version(name) == seen:
                if waited >= ALIVE:
                    yield ": still here\n\n"
                    waited = 0.0
                await asyncio.sleep(POLL)
                waited += POLL
            yield "event: changed\ndata: 1\n\n"

        return _stream(stream())

    async def run_events(self, request: Request) -> Response:
        return await self._events(request, self._run)

    async def deployment_events(self, request: Request) -> Response:
        return await self._events(request, self._deployment)

    async def push_events(self, request: Request) -> Response:
        return await self._events(request, self._push)

    def _run(self, request: Request) -> pages.Logged:
        return pages.run(self._ctx, self._kept(request), request.path_params["number"])

    def _deployment(self, request: Request) -> pages.Logged:
        app = self._kept(request)
        environment = self._ctx.names.environment(app, request.path_params["environment"])
        return pages.deployment(self._ctx, app, environment, request.path_params["number"])

    def _push(self, request: Request) -> pages.Logged:
        return pages.push(self._ctx, request.path_params["number"])

    async def _logged(self, request: Request, template: str, find: Callable[[Request], pages.Logged]) -> Response:
        def read() -> Response:
            found = find(request)
            events = self._ctx.ledger.events(found.subject, 0, pages.EVENTS)
            last = events[-1].seq if events else 0
            more = found.going or len(events) == pages.EVENTS
            return self._page(
                template, app=request.path_params.get("app"), lines=pages.lines(events), going=found.going,
                live=f"{request.url.path}/events?after={last}" if more else "", **found.data,
            )  # fmt: skip

        return await run_in_threadpool(read)

    async def _events(self, request: Request, find: Callable[[Request], pages.Logged]) -> Response:
        after = max(_number(request, "after"), _number_of(request.headers.get("last-event-id", "")))
        await run_in_threadpool(find, request)  # an error is an answer, not a stream

        async def stream() -> AsyncIterator[str]:
            last, waited, going = after, 0.0, True
            while going:
                found = await run_in_threadpool(find, request)
                going = found.going  # before reading: what ends it is recorded after its events
                while events := await run_in_threadpool(self._ctx.ledger.events, found.subject, last, PAGE):
                    last, waited = events[-1].seq, 0.0
                    yield "".join(f"id: {line['seq']}\ndata: {json.dumps(line)}\n\n" for line in pages.lines(events))
                if going:
                    if waited >= ALIVE:
                        yield ": still here\n\n"
                        waited = 0.0
                    await asyncio.sleep(POLL)
                    waited += POLL
            yield "event: ended\ndata: 1\n\n"

        return _stream(stream())

    # answers

    def _page(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        values = {"app": None, "live": "", **values}
        return HTMLResponse(self._templates.get_template(template).render(**values), status)

    async def failed(self, request: Request, error: ShipwayError) -> Response:
        """An error of Shipway as a page, or as JSON for programs."""
        status = 404 if isinstance(error, UsageError) else 503 if isinstance(error, StoreError) else 500
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"error": error.message, "hint": error.hint}, status)
        return self._page("message.html", status, title="That did not work", text=error.message, hint=error.hint)

    async def refused(self, request: Request, error: HTTPException) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"error": error.detail, "hint": ""}, error.status_code)
        return self._page("message.html", error.status_code, title=error.detail, text="There is no such page.", hint="")

    async def _app(self, request: Request) -> str:
        """The app's present name. UsageError if the ledger has none of it."""
        name = str(request.path_params["app"])
        if name not in await run_in_threadpool(self._observer.apps):
            raise UsageError(f"the ledger has no app {name!r}")
        return name

    def _kept(self, request: Request) -> str:
        return self._ctx.names.app(str(request.path_params["app"]))


def _number(request: Request, name: str) -> int:
    return _number_of(request.query_params.get(name, ""))


def _number_of(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _stream(lines: AsyncIterator[str]) -> Response:
    return StreamingResponse(lines, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
