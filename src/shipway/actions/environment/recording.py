"""Keep what an action reports about its subject, and read it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shipway.actions.environment.tracing import export
from shipway.context import Context
from shipway.domain.errors import Interrupted
from shipway.domain.event import HEADING, NOTE, Event, Subject

POLL = 0.25  # seconds between looks
PAGE = 1000  # events read at once


@contextmanager
def recorded(
    ctx: Context, subject: Subject, heading: str = "", *notes: str, lines: bool = True
) -> Iterator[Context]:  # fmt: skip
    """A context whose reports also become events of the subject. heading, notes: were reported before the subject had its
    number. lines: whether lines of output are kept, or are elsewhere."""
    from shipway.system.recorder import Recorder

    recorder = Recorder(ctx.reporter, ctx.ledger, subject, ctx.redactor, ctx.clock, lines=lines)
    if heading:
        recorder.keep(HEADING, text=heading)
    for note in notes:
        recorder.keep(NOTE, text=note)
    try:
        ledger: Any = _Ending(ctx.ledger, recorder.flush)
        yield replace(ctx, reporter=recorder, ledger=ledger)
    finally:
        recorder.close()
        export(ctx, subject)


class _Ending:
    """A ledger in which a subject ends after its events: who follows it reads no further then."""

    def __init__(self, ledger: object, flush: Callable[[], None]) -> None:
        self._ledger, self._flush = ledger, flush

    def __getattr__(self, name: str) -> Any:
        if name in ("end_deployment", "end_run"):
            self._flush()
        return getattr(self._ledger, name)


def recorded_events(ctx: Context, subject: Subject, *, going: Callable[[], bool]) -> Iterator[Event]:
    """All events of the subject so far, and while `going` says so, those that follow. Interrupted if that is cancelled."""
    after = 0
    while True:
        last = not going()  # before reading: what ends the subject is recorded after its events
        found: Sequence[Event]
        while found := ctx.ledger.events(subject, after, PAGE):
            yield from found
            after = found[-1].seq
        if last:
            return
        ctx.cancelled.wait(POLL)
        if ctx.cancelled.is_set():
            raise Interrupted("interrupted; what it follows goes on")
