"""What the services of an environment write: the last lines, and live."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shipway.domain.errors import ShipwayError, UsageError
from shipway.server import live
from shipway.server.access import identify_again, identity_of
from shipway.server.live import LOOK, STILL_HERE, number_of
from shipway.server.orders import Busy, Orders
from shipway.server.pages import Page
from shipway.server.site import Site

LINES = 200  # at first
LONGEST = 4000  # characters of a line on a page
OF_ALL, OF_ONE = 40, 5  # logs that are followed at once, by all and by one person: each is a process
AGAIN = "5s"  # since when, for a browser whose connection was lost


class ServiceLogs:
    """The routes."""

    def __init__(self, site: Site, orders: Orders, page: Page) -> None:
        self._ctx, self._observer, self._orders, self._page = site.ctx, site.observer, orders, page
        self._following = Counter[str]()

    def routes(self) -> list[Route]:
        """Of these pages."""
        own = "/apps/{app}/environments/{environment}/logs"
        return [Route(own, self.log), Route(f"{own}/lines", self.lines)]

    async def log(self, request: Request) -> Response:
        """The last lines; with `follow` none, since they come live."""
        app, environment, names, chosen = await self._asked(request)
        follow = request.query_params.get("follow") == "1"
        lines: list[dict[str, Any]] = []
        problem = ""
        if not follow:
            done = await self._orders.command(
                identity_of(request), self._orders.commands.answer, _words(app, environment, chosen)
            )
            found = [_line(text) for text in done.output.splitlines()]
            lines = [item for item in found if item is not None]
            problem = "" if done.code == 0 else done.output
        own = f"/apps/{app}/environments/{environment}/logs"
        which = "".join(f"service={name}" for name in chosen)
        return self._page(
            request, "logs.html", app=app, environment=environment, names=names, chosen=chosen, lines=lines,
            follow=follow, own=own, which=which, problem=problem, live=f"{own}/lines?{which}" if follow else "",
        )  # fmt: skip

    async def lines(self, request: Request) -> Response:
        """The last lines, and what follows, as server-sent events. Busy if too many are followed."""
        app, environment, _, chosen = await self._asked(request)
        person = identity_of(request).person
        if self._following[person] >= OF_ONE or self._following.total() >= OF_ALL:
            raise Busy("too many logs are followed at once", hint="close a page that follows one, and try again")
        return live.stream(self._follow(request, app, environment, chosen))

    async def _follow(
        self, request: Request, app: str, environment: str, chosen: Sequence[str]
    ) -> AsyncIterator[str]:  # fmt: skip
        person, looked = identity_of(request).person, time.monotonic()
        number = number_of(request.headers.get("last-event-id", ""))
        self._following[person] += 1
        try:
            words = [*_words(app, environment, chosen, AGAIN if number else ""), "--follow"]
            async with self._orders.following(identity_of(request), words) as read:
                yield ": begins\n\n"
                while True:
                    texts, ended = await read(LOOK)
                    found = [item for text in texts if (item := _line(text)) is not None]
                    if found:
                        yield "".join(
                            live.event(number + count, json.dumps({**item, "seq": number + count}))
                            for count, item in enumerate(found, 1)
                        )
                        number += len(found)
                    if ended:
                        break
                    if time.monotonic() - looked >= LOOK:
                        looked = time.monotonic()
                        await run_in_threadpool(identify_again, self._ctx, request)
                        await self._asked(request)
                        yield STILL_HERE
        except ShipwayError:  # who may no longer read it is told by the next page
            return
        finally:
            self._following[person] -= 1
        yield "event: over\ndata: 1\n\n"

    async def _asked(self, request: Request) -> tuple[str, str, list[str], list[str]]:
        """App, environment, what writes there, and of that what is asked for. UsageError for anything else."""
        app, environment = await self._orders.allowed(request, "logs")
        board = self._observer.board(app)
        item = next(item for item in board.environments if item.environment.name == environment)
        own = [name for name, how in item.accessories.items() if how != "external"]
        names = [*item.services, *own]
        asked = request.query_params.get("service", "")
        if asked and asked not in names:
            raise UsageError(f"{environment} has no service {asked!r}")
        return app, environment, names, [asked] if asked else []


def _words(app: str, environment: str, chosen: Sequence[str], since: str = "") -> list[str]:
    which = f"--since={since}" if since else f"--lines={LINES}"
    return ["logs", environment, *chosen, which, "--json", "--app", app]


def _line(text: str) -> dict[str, Any] | None:
    """A line of the command as one of a page; None if it is none."""
    try:
        found = json.loads(text)
        name = f"{found['service']} r{found['release']}" if found.get("release") is not None else str(found["service"])
        return {"kind": "", "name": name, "text": str(found["line"])[:LONGEST]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
