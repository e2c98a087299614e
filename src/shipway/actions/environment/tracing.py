"""The trace of a run or a deployment that has ended, for an endpoint of OpenTelemetry, if one is set."""

from __future__ import annotations

import dataclasses

from shipway import __version__
from shipway.context import Context
from shipway.domain.event import DEPLOYMENT, RUN, Event, Subject
from shipway.domain.trace import Trace, of_deployment, of_run
from shipway.system import otlp

PAGE = 1000  # events read at once
PAGES = 20
LATEST = 50  # deployments among which one that has just ended is looked for
LOG = "traces.log"  # of the home: why the last trace could not be sent


def export(ctx: Context, subject: Subject) -> None:
    """Send it. It only reports: nothing waits for it, and nothing fails with it."""
    to = otlp.endpoint()
    if to is None:
        return
    try:
        ctx.redactor.add({f"OTLP header {name}": value for name, value in to.headers.items()})
        if to.problem:
            ctx.reporter.note(f"no trace is sent: {to.problem}")
            return
        trace = trace_of(ctx, subject)
        if trace is not None:
            otlp.send_later(
                otlp.body(_masked(ctx, trace), to.resource, __version__), ctx.home / LOG, wait=not ctx.background
            )
    except Exception as error:
        ctx.reporter.note(f"no trace is sent: {type(error).__name__}")


def trace_of(ctx: Context, subject: Subject) -> Trace | None:
    """From the ledger; None as long as it has not ended."""
    ledger, names = ctx.ledger, ctx.names
    if subject.kind == RUN:
        run = ledger.run(subject.app, subject.number)
        if run is None or run.finished is None:
            return None
        return of_run(ledger.identity(), subject, names.shown(subject.app), run, ledger.steps(run.number))
    if subject.kind != DEPLOYMENT:
        return None
    found = next((item for item in ledger.deployments(subject.app, None, LATEST) if item.id == subject.number), None)
    if found is None or found.finished is None:
        return None
    release = ledger.release(found.app, found.release)
    shown = (names.shown(found.app), names.shown(found.app, found.environment))
    return of_deployment(ledger.identity(), subject, shown, found, _events(ctx, subject), release.run if release else 0)


def _events(ctx: Context, subject: Subject) -> list[Event]:
    found: list[Event] = []
    for _ in range(PAGES):
        page = ctx.ledger.events(subject, found[-1].seq if found else 0, PAGE)
        found += page
        if len(page) < PAGE:
            break
    return found


def _masked(ctx: Context, trace: Trace) -> Trace:
    """Names come from a pushed commit."""
    mask = ctx.redactor.text
    spans = [
        dataclasses.replace(
            span, name=mask(span.name),
            attributes={key: mask(value) if isinstance(value, str) else value for key, value in span.attributes.items()},
        )
        for span in trace.spans
    ]  # fmt: skip
    return dataclasses.replace(trace, spans=tuple(spans))
