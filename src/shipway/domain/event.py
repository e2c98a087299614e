"""What an action reported, as data: the ledger keeps it for who looks later, or from elsewhere."""

from __future__ import annotations

from shipway.domain.value import dataclass

DEPLOYMENT, RUN = "deployment", "run"  # kinds of subjects
HEADING, BEGIN, LINE, END, NOTE, CUT = "heading", "begin", "line", "end", "note", "cut"  # kinds of events


@dataclass(frozen=True)
class Subject:
    """What events are about."""

    kind: str  # deployment or run
    app: str
    number: int  # a deployment's id, or a run's number

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Event:
    """One report of an action. seq: its place in the ledger, which is assigned when it is added."""

    at: float  # seconds since the epoch
    kind: str  # heading, begin, line, end, note; cut: from here on, lines were not kept
    name: str = ""  # of the part: a step, or a stage of a deployment
    text: str = ""
    outcome: str = ""  # of an `end`: as in domain.release, or skipped
    seconds: float | None = None  # of an `end`: the part's duration
    seq: int = 0
