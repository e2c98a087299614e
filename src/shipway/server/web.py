"""The pages of the release server, as a web application."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from shipway.actions.people.permitted import require
from shipway.actions.upkeep.status import EnvironmentStatus
from shipway.domain.errors import NotAllowed, NotSignedIn, ShipwayError, StoreError, UsageError
from shipway.domain.event import Event
from shipway.server import live, pages
from shipway.server.access import Door, app_with_logs, form_token, identify_again, identity_of, links, sees
from shipway.server.account import Account
from shipway.server.api.routes import routes as api_routes
from shipway.server.api.routes import unknown
from shipway.server.figures import Figures
from shipway.server.git import Repositories
from shipway.server.headers import Headers
from shipway.server.hooks import Hooks
from shipway.server.live import ALIVE, LOOK, number_of
from shipway.server.metrics import Metrics
from shipway.server.observer import Board
from shipway.server.orders import Orders
from shipway.server.origins import Origins
from shipway.server.provider import routes as provider_routes
from shipway.server.recording import Recorded
from shipway.server.records import Records
from shipway.server.releases import Releases
from shipway.server.service_logs import ServiceLogs
from shipway.server.signing import Signing
from shipway.server.site import Site
from shipway.server.step_logs import StepLogs
from shipway.server.streams import Streams
from shipway.server.threads import Threads
from shipway.system.durations import ago, human, timestamp

HERE = Path(__file__).parent
POLL = 0.25  # seconds between looks for what follows
FOLLOWING = 8  # threads for what follows, of all readers
STALE = 60.0  # seconds after which a board is loaded again: its times and traffic are of that moment


def application(site: Site) -> Any:
    """The web application."""
    shown = _Pages(site)
    repositories = Repositories(site.ctx, site.largest_push)
    register_url_convertor("number", _Number())
    signing, orders, records = Signing(site, shown.page), Orders(site, shown.page), Records(site, shown.page)
    routes = [
        Route("/sign-in", signing.ask),
        Route("/sign-in", signing.sign_in, methods=["POST"]),
        Route("/sign-in/link", signing.by_link, methods=["POST"]),
        Route("/sign-out", signing.sign_out, methods=["POST"]),
        Route("/apps/{app}/environments/{environment}/approve", orders.approve, methods=["POST"]),
        Route("/apps/{app}/environments/{environment}/reject", orders.reject, methods=["POST"]),
        Route("/apps/{app}/environments/{environment}/deploy", orders.ask_deploy),
        Route("/apps/{app}/environments/{environment}/deploy", orders.deploy, methods=["POST"]),
        Route("/apps/{app}/environments/{environment}/rollback", orders.ask_rollback),
        Route("/apps/{app}/environments/{environment}/rollback", orders.rollback, methods=["POST"]),
        Route("/apps/{app}/environments/{environment}/resume", orders.resume, methods=["POST"]),
        Route("/apps/{app}/environments/{environment}/cancel", orders.drop, methods=["POST"]),
        Route("/", shown.home),
        Route("/apps/{app}", shown.board),
        Route("/apps/{app}/changes", shown.changes),
        Route("/apps/{app}/runs", shown.runs),
        Route("/apps/{app}/runs/check", orders.check, methods=["POST"]),
        Route("/apps/{app}/runs/{number:number}", shown.run),
        Route("/apps/{app}/runs/{number:number}/events", shown.run_events),
        Route("/apps/{app}/deployments/{environment}/{number:number}", shown.deployment),
        Route("/apps/{app}/deployments/{environment}/{number:number}/events", shown.deployment_events),
        Route("/apps/{app}/insights", Figures(site, shown.page, records).insights),
        *Account(site, shown.page).routes(),
        *records.routes(),
        *Releases(site, shown.page, records).routes(),
        *StepLogs(site, shown.page).routes(),
        *ServiceLogs(site, orders, shown.page).routes(),
        *Origins(site, shown.page, records).routes(),
        Route("/queue", shown.queue),
        Route("/queue/{number:number}", shown.push),
        Route("/queue/{number:number}/events", shown.push_events),
        Route("/git/{name}.git/info/refs", repositories.refs),
        Route("/git/{name}.git/{service}", repositories.service, methods=["POST"]),
        Route("/hooks/{name}", Hooks(site.ctx, site.forge).receive, methods=["POST"]),
        Route("/metrics", Metrics(site).answer),
        *provider_routes(site, signing, shown.page),
        *api_routes(site, orders, shown.page),
        Route("/healthz", shown.healthz),
        Mount("/static", StaticFiles(directory=HERE / "static")),
    ]
    handlers: Any = {ShipwayError: shown.failed, HTTPException: shown.refused}
    known = Recorded(Starlette(routes=routes, exception_handlers=handlers), site.ctx, shown.failed)
    return Headers(Door(known, site.ctx, shown.failed))


@lru_cache(1)
def _templates() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals.update(ago=ago, human=human, timestamp=timestamp, state=pages.state)
    return made


class _Pages:
    def __init__(self, site: Site) -> None:
        self._ctx, self._observer, self._following = site.ctx, site.observer, Threads(FOLLOWING)
        self._streams = Streams(site.ctx.ledger)

    # pages

    async def home(self, request: Request) -> Response:
        apps = await run_in_threadpool(self._seen, request)
        if len(apps) == 1:
            return RedirectResponse(f"/apps/{apps[0]}")
        boards = await run_in_threadpool(
            lambda: [self._visible(request, self._observer.board(name))[0] for name in apps]
        )
        return self.page(request, "home.html", boards=boards, summary=pages.summary)

    async def board(self, request: Request) -> Response:
        name = await self._app(request)
        return await run_in_threadpool(self._board, request, self._observer.board(name))

    def _board(self, request: Request, board: Board) -> Response:
        ctx, app, who = self._ctx, self._ctx.names.app(board.app), identity_of(request)
        board, kept = self._visible(request, board)

        def may(permission: str, item: EnvironmentStatus) -> bool:
            return who.may(board.permission(permission, item.environment.name), app, kept[item.environment.name])

        environments = [
            {
                "item": item, "back": pages.back(ctx, app, kept[item.environment.name], item),
                "may_approve": may("approve", item), "may_override": may("freeze", item) and may("deploy", item),
                "may_deploy": may("deploy", item), "may_roll_back": item.release is not None and may("rollback", item),
                "traffic": pages.traffic((board.traffic or {}).get(item.environment.name)),
                "may_read": may("logs", item), "target": pages.target(ctx, app, kept[item.environment.name]),
            }
            for item in board.environments
        ]  # fmt: skip
        made = [each for each in pages.deployments(ctx, app) if who.may("see", app, each["item"].environment)]
        return self.page(
            request,
            "board.html", app=board.app, board=board, environments=environments, summary=pages.summary(board), now=ctx.clock(),
            deployments=made, previews=[each for each in pages.previews(ctx, app) if who.may("see", app, each["item"].environment)], live=f"/apps/{board.app}/changes?version={board.version}",
            running=[item for item in pages.runs(ctx, app) if item["item"].finished is None],
        )  # fmt: skip

    def _visible(self, request: Request, board: Board) -> tuple[Board, dict[str, str]]:
        """What may be seen of it, and the environments' first names by their present ones."""
        names, who = self._ctx.names, identity_of(request)
        app = names.app(board.app)
        kept = {name: names.environment(app, name) for name in (item.environment.name for item in board.environments)}
        kept = {name: first for name, first in kept.items() if who.may("see", app, first)}
        environments = tuple(item for item in board.environments if item.environment.name in kept)
        gates = {name: gate for name, gate in (board.gates or {}).items() if name in kept}
        return replace(board, environments=environments, gates=gates), kept

    async def runs(self, request: Request) -> Response:
        name = await self._app(request)
        kept = self._ctx.names.app(name)
        found = await run_in_threadpool(pages.runs, self._ctx, kept)
        check = pages.to_check(request.query_params, may=identity_of(request).may("run", kept))
        return self.page(request, "runs.html", app=name, runs=found, check=check)

    async def queue(self, request: Request) -> Response:
        require(identity_of(request), "see")

        def read() -> list[dict[str, Any]]:
            return pages.pushes(self._ctx.ledger.pushes(), self._ctx.ledger.now())

        return self.page(request, "queue.html", app=None, pushes=await run_in_threadpool(read))

    async def run(self, request: Request) -> Response:
        return await self._logged(request, "run.html", self._run)

    async def deployment(self, request: Request) -> Response:
        return await self._logged(request, "deployment.html", self._deployment)

    async def push(self, request: Request) -> Response:
        return await self._logged(request, "push.html", self._push)

    async def healthz(self, request: Request) -> Response:
        try:
            await run_in_threadpool(self._ctx.ledger.now)
        except StoreError:  # why is not for everybody
            return PlainTextResponse("the ledger does not answer\n", 503)
        return PlainTextResponse("ok\n")

    # what follows, as server-sent events

    async def changes(self, request: Request) -> Response:
        name = await self._app(request)
        seen = _number(request, "version")

        async def stream() -> AsyncIterator[str]:
            quiet = looked = began = time.monotonic()
            while self._observer.version(name) == seen and time.monotonic() - began < STALE:
                if time.monotonic() - looked >= LOOK:
                    looked = time.monotonic()
                    if not await self._following.run(self._still, request, name):
                        return
                if time.monotonic() - quiet >= ALIVE:
                    yield live.STILL_HERE
                    quiet = time.monotonic()
                await asyncio.sleep(POLL)
            yield "event: changed\ndata: 1\n\n"

        return live.stream(stream())

    async def run_events(self, request: Request) -> Response:
        return await self._events(request, self._run)

    async def deployment_events(self, request: Request) -> Response:
        return await self._events(request, self._deployment)

    async def push_events(self, request: Request) -> Response:
        return await self._events(request, self._push)

    def _still(self, request: Request, name: str) -> bool:
        try:
            identify_again(self._ctx, request)
            return name in self._seen(request)
        except ShipwayError:
            return False

    def _run(self, request: Request) -> pages.Logged:
        app = app_with_logs(self._ctx, request)
        number, who = request.path_params["number"], identity_of(request)
        found = pages.run(self._ctx, app, number, request.query_params.get("tests") == "all")

        def data() -> dict[str, Any]:
            board = self._observer.seen(str(request.path_params["app"]))
            again = [
                item for item in pages.undeployed(self._ctx, app, number)
                if who.may(board.permission("deploy", item["environment"]), app, item["kept"])
            ]  # fmt: skip
            return {**found.data(), "undeployed": again}

        return replace(found, data=data)

    def _deployment(self, request: Request) -> pages.Logged:
        app = self._kept(request)
        environment = self._ctx.names.environment(app, request.path_params["environment"])
        if not sees(identity_of(request), app):
            raise _unknown(request)
        require(identity_of(request), "logs", app, environment)
        return pages.deployment(self._ctx, app, environment, request.path_params["number"])

    def _push(self, request: Request) -> pages.Logged:
        require(identity_of(request), "see")
        require(identity_of(request), "logs")
        return pages.push(self._ctx, request.path_params["number"])

    async def _logged(self, request: Request, template: str, find: Callable[[Request], pages.Logged]) -> Response:
        def read() -> Response:
            found = find(request)
            events = self._ctx.ledger.events(found.subject, 0, pages.EVENTS)
            last = events[-1].seq if events else 0
            more = found.going or len(events) == pages.EVENTS
            return self.page(
                request, template, app=request.path_params.get("app"), lines=pages.lines(events), going=found.going,
                live=f"{request.url.path}/events?after={last}" if more else "", **found.data(),
            )  # fmt: skip

        return await run_in_threadpool(read)

    async def _events(self, request: Request, find: Callable[[Request], pages.Logged]) -> Response:
        after = max(_number(request, "after"), number_of(request.headers.get("last-event-id", "")))
        found = await run_in_threadpool(find, request)  # an error is an answer, not a stream

        async def stream() -> AsyncIterator[str]:
            quiet = looked = time.monotonic()
            try:
                async for events in self._streams.follow(found.subject, after, lambda: found.again().going, LOOK):
                    if time.monotonic() - looked >= LOOK:
                        looked = time.monotonic()
                        await self._following.run(identify_again, self._ctx, request)
                        await self._following.run(find, request)
                    if events:
                        quiet = time.monotonic()
                        yield "".join(map(_line, events))
                    elif time.monotonic() - quiet >= ALIVE:
                        yield live.STILL_HERE
                        quiet = time.monotonic()
            except ShipwayError:  # the browser asks again, and is told
                return
            yield "event: ended\ndata: 1\n\n"

        return live.stream(stream())

    # answers

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page for who asks."""
        who = getattr(request.state, "identity", None)
        common = {
            "app": None,
            "live": "",
            "me": who.person if who else "",
            "links": links(who) if who else {},
            "form_token": form_token(request) if who else "",
        }
        return HTMLResponse(_templates().get_template(template).render(**{**common, **values}), status)

    async def failed(self, request: Request, error: ShipwayError) -> Response:
        """An error of Shipway as a page, or as JSON for programs."""
        kinds = ((NotSignedIn, 401), (NotAllowed, 403), (UsageError, 404), (StoreError, 503))
        status = next((status for kind, status in kinds if isinstance(error, kind)), 500)
        if (
            isinstance(error, StoreError) and getattr(request.state, "identity", None) is None
        ):  # why is not for everybody
            error = StoreError("the ledger does not answer", hint="try it again in a moment")
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"error": error.message, "hint": error.hint}, status)
        return self.page(
            request, "message.html", status, title="That did not work", text=error.message, hint=error.hint
        )

    async def refused(self, request: Request, error: HTTPException) -> Response:
        """What the routes don't know."""
        if request.scope["path"].startswith("/api/v1/"):  # with a line's end in it, which the API's routes don't take
            return await unknown(request, error)
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"error": error.detail, "hint": ""}, error.status_code)
        return self.page(
            request, "message.html", error.status_code, title=error.detail, text="There is no such page.", hint=""
        )

    def _seen(self, request: Request) -> list[str]:
        """The apps of which something may be seen."""
        who, names = identity_of(request), self._ctx.names
        return [name for name in self._observer.apps() if sees(who, names.app(name))]

    async def _app(self, request: Request) -> str:
        """The app's present name. UsageError if the ledger has none of it, or nothing of it may be seen: who may not see it
        doesn't learn that it exists."""
        name = str(request.path_params["app"])
        if name not in await run_in_threadpool(self._seen, request):
            raise _unknown(request)
        return name

    def _kept(self, request: Request) -> str:
        return self._ctx.names.app(str(request.path_params["app"]))


class _Number(IntegerConvertor):
    """One that the ledger can have; other pages don't exist."""

    regex = "[0-9]{1,18}"


def _unknown(request: Request) -> UsageError:
    return pages.unknown_app(str(request.path_params["app"]))


def _number(request: Request, name: str) -> int:
    return number_of(request.query_params.get(name, ""))


@lru_cache(4096)  # many pages follow the same log
def _line(event: Event) -> str:
    return live.event(event.seq, json.dumps(pages.line_of(event)))
