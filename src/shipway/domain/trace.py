"""Traces of runs and deployments: spans with names, times and results, and nothing that was printed or executed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from shipway.domain.event import BEGIN, END, Event, Subject
from shipway.domain.release import CANCELLED, FAILED, SKIPPED, SUCCEEDED, Deployment
from shipway.domain.run import RunRecord, StepRecord
from shipway.domain.value import dataclass

LONGEST = 200  # characters of a name
MOST = 1000  # spans of a trace
# Results as OpenTelemetry's conventions for pipelines name them.
RESULTS = {SUCCEEDED: "success", FAILED: "failure", CANCELLED: "cancellation", SKIPPED: "skip"}


@dataclass(frozen=True)
class Span:
    """A part of a trace. id, parent: 16 hex digits; "": it has no parent. Times in seconds since the epoch."""

    id: str
    parent: str
    name: str
    started: float
    finished: float
    outcome: str
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()  # other spans: trace and span


@dataclass(frozen=True)
class Trace:
    """Of one run or deployment. id: 32 hex digits."""

    id: str
    spans: tuple[Span, ...]


def trace_id(ledger: str, subject: Subject) -> str:
    """The same for each process: a step is told it before there is a trace. ledger: its identity."""
    return _digest("trace", ledger, subject.app, subject.kind, str(subject.number))[:32]


def span_id(trace: str, name: str = "", number: int = 0) -> str:
    """Of a part, or of the whole."""
    return _digest("span", trace, name, str(number))[:16]


def traceparent(ledger: str, subject: Subject, step: str) -> str:
    """What a step is told by the variable TRACEPARENT (W3C Trace Context), so that its own spans join the trace."""
    trace = trace_id(ledger, subject)
    return f"00-{trace}-{span_id(trace, step)}-01"


def of_run(ledger: str, subject: Subject, shown: str, run: RunRecord, steps: Sequence[StepRecord]) -> Trace:
    """A run and its steps. shown: the app's present name."""
    trace = trace_id(ledger, subject)
    root = span_id(trace)
    ended = run.finished if run.finished is not None else run.started
    whole = Span(
        root, "", f"run {shown}", run.started, ended, run.outcome,
        {
            "cicd.pipeline.name": shown, "cicd.pipeline.run.id": str(run.number), **_result("cicd.pipeline.result", run.outcome),
            "vcs.ref.head.name": run.trigger.ref[:LONGEST], "vcs.ref.head.revision": run.revision, "shipway.trigger": run.trigger.kind,
        },
    )  # fmt: skip
    parts = [
        Span(
            span_id(trace, step.name), root, step.name[:LONGEST], step.started, _end(step.started, step.finished, ended), step.outcome,
            {"cicd.pipeline.task.name": step.name[:LONGEST], **_result("cicd.pipeline.task.run.result", step.outcome)},
        )
        for step in steps
    ]  # fmt: skip
    return Trace(trace, (whole, *parts[: MOST - 1]))


def of_deployment(
    ledger: str, subject: Subject, shown: tuple[str, str], item: Deployment, events: Iterable[Event], run: int
) -> Trace:
    """A deployment and its phases, as it reported them. shown: present names of app and environment. run: the run that made
    its release, to whose trace it links; 0: unknown."""
    trace = trace_id(ledger, subject)
    root = span_id(trace)
    ended = item.finished if item.finished is not None else item.started
    made = trace_id(ledger, Subject("run", item.app, run))
    whole = Span(
        root, "", f"{item.kind} {shown[1]}", item.started, ended, item.outcome,
        {
            "deployment.name": shown[0], "deployment.id": str(item.id), "deployment.environment.name": shown[1],
            "deployment.status": "succeeded" if item.outcome == SUCCEEDED else "failed", "shipway.outcome": item.outcome,
            "shipway.kind": item.kind, "shipway.release": item.release, **({"shipway.run": run} if run else {}),
        },
        ((made, span_id(made)),) if run else (),
    )  # fmt: skip
    return Trace(trace, (whole, *_phases(trace, root, events)[: MOST - 1]))


def _phases(trace: str, root: str, events: Iterable[Event]) -> list[Span]:
    begun: dict[str, list[float]] = {}
    found: list[Span] = []
    for event in events:
        if event.kind == BEGIN:
            begun.setdefault(event.name, []).append(event.at)
        elif event.kind == END:
            known = begun.get(event.name)
            started = known.pop() if known else event.at - (event.seconds or 0.0)
            id = span_id(trace, event.name, len(found) + 1)
            found.append(
                Span(
                    id,
                    root,
                    event.name[:LONGEST],
                    started,
                    max(started, event.at),
                    event.outcome,
                    {"shipway.outcome": event.outcome},
                )
            )
    return found


def _end(started: float, finished: float | None, ended: float) -> float:
    return max(started, ended if finished is None else finished)


def _result(name: str, outcome: str) -> dict[str, str]:
    return {name: RESULTS.get(outcome, "error")}


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()
