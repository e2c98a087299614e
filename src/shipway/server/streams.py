"""What follows in a log, for many pages at once: the ledger is asked once for all of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.concurrency import run_in_threadpool

from shipway.domain.event import Event, Subject
from shipway.ports import EventLedger

POLL = 0.25  # seconds between looks at the ledger
PAGE = 1000  # events read at once
KEPT = 2000  # events kept for who is a little late


class Streams:
    """The logs that somebody follows now. For one event loop."""

    def __init__(self, ledger: EventLedger) -> None:
        self._ledger = ledger
        self._tails: dict[Subject, _Tail] = {}

    async def follow(
        self, subject: Subject, after: int, going: Callable[[], bool], alive: float
    ) -> AsyncIterator[Sequence[Event]]:  # fmt: skip
        """The events after that seq as they come, until the subject has ended; nothing for `alive` seconds gives an empty
        page. going: whether more may come; what ends a subject is recorded after its events."""
        tail = self._tails.get(subject)
        if tail is None or tail.ended:
            tail = self._tails[subject] = _Tail(self._ledger, subject, going, after)
        tail.readers += 1
        last = after
        try:
            while True:
                changed = tail.changed
                if last < tail.start:  # it began, or fell behind, before what is kept
                    found: Sequence[Event] = await run_in_threadpool(self._ledger.events, subject, last, PAGE)
                else:
                    found = [event for event in tail.events if event.seq > last]
                if found:
                    last = found[-1].seq
                    yield found
                elif tail.failed is not None:
                    raise tail.failed
                elif tail.ended and last >= tail.start:
                    return
                elif last < tail.start:
                    last = tail.start
                else:
                    try:
                        await asyncio.wait_for(changed.wait(), alive)
                    except TimeoutError:
                        yield ()
        finally:
            tail.readers -= 1
            if not tail.readers:
                tail.stop()
                if self._tails.get(subject) is tail:
                    del self._tails[subject]


class _Tail:
    """The end of one log. start: it has all events after this seq."""

    def __init__(self, ledger: EventLedger, subject: Subject, going: Callable[[], bool], after: int) -> None:
        self.start, self.readers, self.ended = after, 0, False
        self.failed: Exception | None = None
        self.events: deque[Event] = deque()
        self.changed = asyncio.Event()
        self._ledger, self._subject, self._going = ledger, subject, going
        self._task = asyncio.get_running_loop().create_task(self._run())

    def stop(self) -> None:
        """It has no reader any more."""
        self._task.cancel()

    async def _run(self) -> None:
        last = self.start
        try:
            while not self.ended:
                going = await run_in_threadpool(self._going)
                found = await run_in_threadpool(self._ledger.events, self._subject, last, PAGE)
                if found:
                    last = found[-1].seq
                    self._add(found)
                elif not going:
                    self.ended = True
                    self._wake()
                else:
                    await asyncio.sleep(POLL)
        except Exception as error:
            self.failed, self.ended = error, True
            self._wake()

    def _add(self, found: Sequence[Event]) -> None:
        self.events.extend(found)
        while len(self.events) > KEPT:
            self.start = self.events.popleft().seq
        self._wake()

    def _wake(self) -> None:
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()
