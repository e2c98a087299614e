"""Keep what an action reports in the ledger, while it is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from shipway.domain.event import BEGIN, CUT, END, HEADING, LINE, NOTE, Event, Subject
from shipway.ports import EventLedger, Reporter
from shipway.system.redact import Redactor

PAUSE = 0.25  # seconds until the ledger has an event
LONGEST = 1 << 14  # characters of a text; a longer one is cut
MOST_LINES = 5000  # of output for each subject; a longer output is cut


class Recorder:
    """Implements ports.Reporter: forwards each report, and adds it to the subject's events, without secrets. Writes are
    collected, so that no action waits for them; what a killed process had not written is lost. A ledger that fails loses
    events, and no action. lines: whether lines of output are kept too."""

    def __init__(
        self, reporter: Reporter, ledger: EventLedger, subject: Subject, redactor: Redactor, clock: Callable[[], float],
        *, lines: bool = True,
    ) -> None:  # fmt: skip
        self._reporter, self._ledger, self._subject, self._redactor = reporter, ledger, subject, redactor
        self._clock, self._lines_left = clock, MOST_LINES if lines else 0
        self._cuts = lines  # whether it is told that lines are missing
        self._guard, self._writing = threading.Lock(), threading.Lock()
        self._over = threading.Event()
        self._waiting: list[Event] = []
        self._thread: threading.Thread | None = None

    def heading(self, text: str) -> None:
        self._reporter.heading(text)
        self.keep(HEADING, text=text)

    def begin(self, name: str, detail: str = "") -> None:
        self._reporter.begin(name, detail)
        self.keep(BEGIN, name, detail)

    def line(self, name: str, text: str) -> None:
        self._reporter.line(name, text)
        with self._guard:
            left, self._lines_left = self._lines_left, self._lines_left - 1
        if left > 0:
            self.keep(LINE, name, text)
        elif left == 0 and self._cuts:
            self.keep(CUT, name, f"more than {MOST_LINES} lines: the rest was not kept")

    def end(self, name: str, outcome: str, seconds: float | None = None, detail: str = "") -> None:
        self._reporter.end(name, outcome, seconds, detail)
        self.keep(END, name, detail, outcome, seconds)

    def note(self, text: str) -> None:
        self._reporter.note(text)
        self.keep(NOTE, text=text)

    def keep(
        self, kind: str, name: str = "", text: str = "", outcome: str = "", seconds: float | None = None
    ) -> None:  # fmt: skip
        """Add an event that is not shown: it was already."""
        masked = self._redactor.text(text)  # before it is cut
        kept = masked if len(masked) <= LONGEST else f"{masked[: LONGEST - 1]}…"
        event = Event(self._clock(), kind, name, kept, outcome, seconds)
        with self._guard:
            self._waiting.append(event)
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._write_on, daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Write what is waiting."""
        with self._writing:  # in the order of the reports
            with self._guard:
                events: Sequence[Event] = self._waiting
                self._waiting = []
            if events:
                with suppress(Exception):  # no action is concerned
                    self._ledger.add_events(self._subject, events)

    def close(self) -> None:
        """Write what is left."""
        self._over.set()
        self.flush()

    def _write_on(self) -> None:
        while not self._over.wait(PAUSE):
            self.flush()


def replay(reporter: Reporter, event: Event) -> None:
    """Report an event as it was reported."""
    if event.kind == HEADING:
        reporter.heading(event.text)
    elif event.kind == BEGIN:
        reporter.begin(event.name, event.text)
    elif event.kind in (LINE, CUT):
        reporter.line(event.name, event.text)
    elif event.kind == END:
        reporter.end(event.name, event.outcome, event.seconds, event.text)
    else:
        reporter.note(event.text)
