"""Keep what an action reports."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from shipway.domain.errors import StoreError
from shipway.domain.event import CUT, DEPLOYMENT, Event, Subject
from shipway.system import recorder as module
from shipway.system.recorder import Recorder
from shipway.system.redact import Redactor
from tests.unit.world import Notes

SUBJECT = Subject(DEPLOYMENT, "shop", 7)


class Kept:
    """An EventLedger that can fail."""

    def __init__(self, *, broken: Exception | None = None) -> None:
        self.batches: list[list[Event]] = []
        self.added = threading.Event()
        self.broken = broken

    def add_events(self, subject: Subject, events: Sequence[Event]) -> None:
        assert subject == SUBJECT
        if self.broken is not None:
            raise self.broken
        self.batches.append(list(events))
        self.added.set()

    def events(self, subject: Subject, after: int = 0, limit: int = 1000) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    def forget_events(self, app: str, before: float) -> int:
        raise AssertionError


def recorder(ledger: Kept, *, lines: bool = True) -> tuple[Recorder, list[str]]:
    shown = list[str]()
    return Recorder(
        Notes(shown), ledger, SUBJECT, Redactor({"KEY": "hunter2hunter2"}), lambda: 60.5, lines=lines
    ), shown


def report_all(to: Recorder) -> None:
    to.heading("deploy staging")
    to.begin("migrate", "0002")
    to.line("migrate", "with hunter2hunter2")
    to.end("migrate", "succeeded", 1.5, "1 migration")
    to.note("done")


def test_each_report_is_shown_and_kept_without_secrets() -> None:
    ledger = Kept()
    keeping, shown = recorder(ledger)
    report_all(keeping)
    keeping.close()
    assert ledger.events(SUBJECT) == [
        Event(60.5, "heading", text="deploy staging"),
        Event(60.5, "begin", "migrate", "0002"),
        Event(60.5, "line", "migrate", "with «KEY»"),
        Event(60.5, "end", "migrate", "1 migration", "succeeded", 1.5),
        Event(60.5, "note", text="done"),
    ]
    assert len(shown) == 5


def test_it_is_kept_while_the_action_goes_on() -> None:
    ledger = Kept()
    keeping, _ = recorder(ledger)
    keeping.note("begun")
    assert ledger.added.wait(60)
    keeping.note("ended")
    keeping.close()
    assert [event.text for event in ledger.events(SUBJECT)] == ["begun", "ended"]
    assert len(ledger.batches) == 2


@pytest.mark.parametrize("error", [StoreError("the ledger is away"), OSError("its disk is broken")])
def test_a_ledger_that_fails_loses_events_and_no_action(error: Exception) -> None:
    ledger = Kept(broken=error)
    keeping, shown = recorder(ledger)
    report_all(keeping)
    keeping.close()
    assert len(shown) == 5


def test_a_long_output_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 2)
    ledger = Kept()
    keeping, shown = recorder(ledger)
    for number in range(5):
        keeping.line("migrate", f"line {number}")
    keeping.close()
    kept = ledger.events(SUBJECT)
    assert [(event.kind, event.text) for event in kept[:2]] == [("line", "line 0"), ("line", "line 1")]
    assert [event.kind for event in kept[2:]] == [CUT]
    assert len(shown) == 5


def test_a_long_text_is_cut_after_it_was_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 9)
    ledger = Kept()
    keeping, _ = recorder(ledger)
    keeping.note("1234 hunter2hunter2")
    keeping.close()
    assert [event.text for event in ledger.events(SUBJECT)] == ["1234 «KE…"]


def test_lines_that_are_kept_elsewhere_are_not_kept_twice() -> None:
    ledger = Kept()
    keeping, _ = recorder(ledger, lines=False)
    report_all(keeping)
    keeping.close()
    assert [event.kind for event in ledger.events(SUBJECT)] == ["heading", "begin", "end", "note"]
