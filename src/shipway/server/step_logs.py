"""The log of a step, line by line: a page of it, a search, what follows live, and the whole as a file; and its outputs."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from shipway.domain.errors import ShipwayError, UsageError
from shipway.domain.run import StepRecord
from shipway.domain.value import dataclass
from shipway.server import live
from shipway.server.access import app_with_logs, identify_again
from shipway.server.live import ALIVE, LOOK, STILL_HERE, number_of
from shipway.server.pages import Page, outcome
from shipway.server.site import Site
from shipway.steps import artifacts
from shipway.system.durations import human

ON_A_PAGE = 5000  # lines
FOUND = 1000  # lines that a search shows
LONGEST = 4000  # characters of a line on a page; the file has all
WHOLE = 4 << 20  # characters of all lines on a page: where there are more, each is cut shorter
POLL = 0.5  # seconds between looks at a log that grows
AT_ONCE = 1 << 20  # bytes that are read of what was added


@dataclass(frozen=True)
class StepLogFile:
    """A step's log. path: on this machine, if it is kept here."""

    step: StepRecord
    path: Path
    run: int

    @property
    def going(self) -> bool:
        """Whether more may come."""
        return self.step.finished is None


class StepLogs:
    """The routes."""

    def __init__(self, site: Site, page: Page) -> None:
        self._ctx, self._page = site.ctx, page

    def routes(self) -> list[Route]:
        """Of all these pages."""
        own = "/apps/{app}/runs/{number:number}/steps/{step}"
        return [
            Route(own, self.log),
            Route(f"{own}/log", self.file),
            Route(f"{own}/lines", self.lines),
            Route(f"{own}/outputs/{{digest}}", self.output),
        ]

    async def log(self, request: Request) -> Response:
        """A page of its lines."""
        return await run_in_threadpool(self._log, request)

    async def file(self, request: Request) -> Response:
        """All of it."""
        found = await run_in_threadpool(self._found, request)
        if not found.path.is_file():
            raise UsageError(LOST)
        name = quote(f"run-{found.run}-{found.step.name}.log")
        return FileResponse(
            found.path, media_type="text/plain; charset=utf-8",
            headers={"Content-Disposition": f"attachment; filename*=utf-8''{name}"},
        )  # fmt: skip

    async def output(self, request: Request) -> Response:
        """One of its outputs, as a tar file."""
        found = await run_in_threadpool(self._found, request)
        digest = str(request.path_params["digest"])
        kept = next((item for item in found.step.result.artifacts if item.digest.endswith(f":{digest}")), None)
        path = artifacts.file(kept, self._ctx.home / "artifacts") if kept else None
        if kept is None or path is None or not path.is_file():
            raise UsageError(f"{found.step.name} has no such output here: it is on another machine, or was removed")
        name = quote(f"{kept.place.replace('/', '-') or 'output'}.tar")
        return FileResponse(
            path, media_type="application/x-tar",
            headers={"Content-Disposition": f"attachment; filename*=utf-8''{name}"},
        )  # fmt: skip

    async def lines(self, request: Request) -> Response:
        """What is added to it, as server-sent events, until the step ends. after: the number of the last known line."""
        found = await run_in_threadpool(self._found, request)
        after = max(
            number_of(request.query_params.get("after", "")), number_of(request.headers.get("last-event-id", ""))
        )
        return live.stream(self._follow(request, found, after))

    async def _follow(self, request: Request, found: StepLogFile, after: int) -> AsyncIterator[str]:
        looked = quiet = time.monotonic()
        at, number = await run_in_threadpool(_start, found.path, after)
        try:
            while True:
                if time.monotonic() - looked >= LOOK:  # also while there is more all the time
                    looked = time.monotonic()
                    await run_in_threadpool(identify_again, self._ctx, request)
                    found = await run_in_threadpool(self._found, request)
                else:
                    found = await run_in_threadpool(self._again, found)
                ended = not found.going  # before the look: what ends a step is recorded after its last line
                texts, at = await run_in_threadpool(_added, found.path, at)
                if texts:
                    quiet = time.monotonic()
                    yield "".join(_event(number + count, text) for count, text in enumerate(texts, 1))
                    number += len(texts)
                    continue
                if ended:
                    break
                if time.monotonic() - quiet >= ALIVE:
                    quiet = time.monotonic()
                    yield STILL_HERE
                await asyncio.sleep(POLL)
        except ShipwayError:  # the browser asks again, and is told
            return
        yield "event: ended\ndata: 1\n\n"

    def _found(self, request: Request) -> StepLogFile:
        """UsageError if there is none; NotAllowed for who may not read logs."""
        app = app_with_logs(self._ctx, request)
        number, name = request.path_params["number"], str(request.path_params["step"])
        run = self._ctx.ledger.run(app, number)
        step = next((item for item in self._ctx.ledger.steps(number) if item.name == name), None) if run else None
        if step is None:
            raise UsageError(f"{request.path_params['app']} has no run {number} with a step {name!r}")
        return StepLogFile(step, self._ctx.home / "logs" / app / str(number) / f"{name}.log", number)

    def _again(self, found: StepLogFile) -> StepLogFile:
        step = next((item for item in self._ctx.ledger.steps(found.run) if item.name == found.step.name), found.step)
        return StepLogFile(step, found.path, found.run)

    def _log(self, request: Request) -> Response:
        found, search = self._found(request), request.query_params.get("search", "").strip()[:200]
        first = number_of(request.query_params.get("from", ""))
        own = f"/apps/{request.path_params['app']}/runs/{found.run}/steps/{quote(found.step.name)}"
        lines: list[tuple[int, str]] = []
        total, more = 0, False
        if found.path.is_file():
            if search:
                lines, more = _matching(found.path, search)
            else:
                lines, total = _part(found.path, first)
        last = lines[-1][0] if lines else 0
        live = found.going and not search and last == total
        shown = [{"number": number, "text": text} for number, text in lines]
        return self._page(
            request, "step.html", app=request.path_params["app"], run=found.run, step=found.step, own=own,
            outcome=outcome(found.step.outcome), lines=shown, total=total, search=search, more=more,
            took=human((found.step.finished or self._ctx.clock()) - found.step.started), kept=found.path.is_file(),
            earlier=max(1, lines[0][0] - ON_A_PAGE) if lines and not search and lines[0][0] > 1 else 0,
            later=last + 1 if not search and last < total else 0, live=f"{own}/lines?after={last}" if live else "",
            going=found.going, lost=LOST,
            outputs=[{"place": item.place, "id": item.digest.rpartition(":")[2]} for item in found.step.result.artifacts],
        )  # fmt: skip


LOST = "its log is not on this machine: another one ran it, or it was removed with old logs"


def _read(path: Path) -> Iterator[str]:
    """Its complete lines."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line[:-1].decode(errors="replace")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text) - LONGEST} more characters in the file)"


def _page_of(found: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Lines, which together are no longer than a page may be."""
    if sum(len(text) for _, text in found) <= WHOLE:
        return list(found)
    longest = WHOLE // len(found)
    return [
        (number, text if len(text) <= longest else f"{text[:longest]} … (more in the file)") for number, text in found
    ]


def _part(path: Path, first: int) -> tuple[list[tuple[int, str]], int]:
    """Lines from a number on, or the last ones for 0; and how many there are."""
    numbered = enumerate(map(_cut, _read(path)), 1)  # cut before they are kept: each may have a megabyte
    if first:
        found = list(islice(numbered, first - 1, first - 1 + ON_A_PAGE))
        rest = deque(numbered, 1)
        return _page_of(found), rest[0][0] if rest else found[-1][0] if found else 0
    kept = deque(numbered, ON_A_PAGE)
    return _page_of(kept), kept[-1][0] if kept else 0


def _matching(path: Path, search: str) -> tuple[list[tuple[int, str]], bool]:
    """Lines with this text in upper or lower case, and whether there are more."""
    wanted = search.casefold()
    matching = ((number, _cut(text)) for number, text in enumerate(_read(path), 1) if wanted in text.casefold())
    found = list(islice(matching, FOUND + 1))
    return _page_of(found[:FOUND]), len(found) > FOUND


def _start(path: Path, after: int) -> tuple[int, int]:
    """The offset behind that line, and its number; of a shorter log, its end."""
    at = number = 0
    if after and path.is_file():
        with path.open("rb") as file:
            for line in islice(file, after):
                if not line.endswith(b"\n"):
                    break
                at, number = at + len(line), number + 1
    return at, number


def _added(path: Path, at: int) -> tuple[list[str], int]:
    """Complete lines from an offset on, and the offset behind them."""
    if not path.is_file():
        return [], at
    with path.open("rb") as file:
        file.seek(at)
        data = file.read(AT_ONCE)
        if data and b"\n" not in data:
            data += file.readline()
    whole, newline, _ = data.rpartition(b"\n")
    if not newline:
        return [], at
    return whole.decode(errors="replace").split("\n"), at + len(whole) + 1


def _event(number: int, text: str) -> str:
    data: dict[str, Any] = {"seq": number, "kind": "", "name": "", "text": _cut(text)}
    return live.event(number, json.dumps(data))
