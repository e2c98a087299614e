"""What actions reported, as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.responses import Response

from shipway.domain.errors import ShipwayError
from shipway.domain.event import DEPLOYMENT, RUN, Event, Subject
from shipway.domain.queue import PUSH
from shipway.domain.record import to_data
from shipway.domain.release import PENDING
from shipway.server import live
from shipway.server.api import reading
from shipway.server.api.operation import Call, missing
from shipway.server.live import ALIVE, LOOK, STILL_HERE
from shipway.server.streams import PAGE, Streams
from shipway.server.threads import Threads

ENDED = "event: ended\ndata: {}\n\n"


def of_run(call: Call) -> tuple[Subject, bool]:
    """Its subject, and whether more may come."""
    return Subject(RUN, call.app, call.number), reading.one_run(call).finished is None


def of_deployment(call: Call) -> tuple[Subject, bool]:
    """The same of a deployment."""
    return Subject(DEPLOYMENT, call.app, call.number), reading.one_deployment(call).outcome == PENDING


def of_push(call: Call) -> tuple[Subject, bool]:
    """The same of a push."""
    found = call.ctx.ledger.push(call.number)
    if found is None:
        raise missing(f"push {call.number}")
    return Subject(PUSH, "", call.number), found.ended is None


class Follower:
    """Answers with streams; who may not read any more is cut off."""

    def __init__(self, streams: Streams) -> None:
        self._streams, self._threads = streams, Threads(8)

    async def answer(
        self, find: Callable[[Call], tuple[Subject, bool]], call: Call, again: Callable[[], Call]
    ) -> Response:  # fmt: skip
        """The events after `after`, and with `follow` those that come until the end. again: identifies and checks once more."""
        subject, _ = await self._threads.run(find, call)  # an error is an answer, not a stream
        after, follow = call.given["after"], call.given["follow"]

        async def kept() -> AsyncIterator[str]:
            last = after
            while found := await self._threads.run(call.ctx.ledger.events, subject, last, PAGE):
                last = found[-1].seq
                yield lines(found)
            yield ENDED

        async def stream() -> AsyncIterator[str]:
            quiet = looked = time.monotonic()
            try:
                async for events in self._streams.follow(subject, after, lambda: find(call)[1], LOOK):
                    if time.monotonic() - looked >= LOOK:
                        looked = time.monotonic()
                        await self._threads.run(again)
                    if events:
                        quiet = time.monotonic()
                        yield lines(events)
                    elif time.monotonic() - quiet >= ALIVE:
                        quiet = time.monotonic()
                        yield STILL_HERE
            except ShipwayError:  # who asks again is told
                return
            yield ENDED

        return live.stream(stream() if follow else kept())


def lines(events: Sequence[Event]) -> str:
    """As they are sent."""
    return "".join(live.event(item.seq, json.dumps(to_data(item))) for item in events)
