"""The conformance suite of events."""

from __future__ import annotations

import dataclasses

from shipway.domain.event import BEGIN, DEPLOYMENT, END, LINE, RUN, Event, Subject
from shipway.ports import EventLedger

SUBJECT = Subject(DEPLOYMENT, "shop", 7)
EVENTS = (
    Event(60.5, BEGIN, "migrate", "0002"),
    Event(60.75, LINE, "migrate", "CREATE TABLE ünits;\nCOMMIT"),
    Event(61.5, END, "migrate", outcome="succeeded", seconds=1.0),
)


class EventSuite:
    """Events come back whole, in order, and by subject."""

    def test_events_come_back_in_order(self, ledger: EventLedger) -> None:
        ledger.add_events(SUBJECT, EVENTS[:1])
        for other in (Subject(RUN, "shop", 7), Subject(DEPLOYMENT, "other", 7), Subject(DEPLOYMENT, "shop", 8)):
            ledger.add_events(other, EVENTS[:1])
        ledger.add_events(SUBJECT, EVENTS[1:])
        found = ledger.events(SUBJECT)
        assert [dataclasses.replace(event, seq=0) for event in found] == list(EVENTS)
        assert found[0].seq < found[1].seq < found[2].seq
        assert ledger.events(SUBJECT, after=found[0].seq, limit=1) == found[1:2]
        assert ledger.events(SUBJECT, after=found[2].seq) == []

    def test_old_events_are_forgotten(self, ledger: EventLedger) -> None:
        ledger.add_events(SUBJECT, EVENTS)
        ledger.add_events(dataclasses.replace(SUBJECT, app="other"), EVENTS)
        assert ledger.forget_events("shop", 61.0) == 2
        assert [event.at for event in ledger.events(SUBJECT)] == [61.5]
        assert len(ledger.events(dataclasses.replace(SUBJECT, app="other"))) == 3
