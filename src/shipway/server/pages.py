"""What the pages show, as values for their templates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from shipway.actions.deployments.waits import SINCE, hotfix_of
from shipway.actions.previews.view import seen
from shipway.actions.upkeep.run_tests import run_tests
from shipway.actions.upkeep.status import EnvironmentStatus
from shipway.context import Context
from shipway.domain.errors import UsageError
from shipway.domain.event import BEGIN, CUT, DEPLOYMENT, END, HEADING, LINE, RUN, Event, Subject
from shipway.domain.history import rollback_target
from shipway.domain.preview import CLOSING, CREATING, READY
from shipway.domain.preview import FAILED as PREVIEW_FAILED
from shipway.domain.queue import PUSH, Push
from shipway.domain.refs import short_name
from shipway.domain.release import CANCELLED, DEPLOY, PENDING, Deployment, Release
from shipway.domain.release import FAILED as NOT_DEPLOYED
from shipway.domain.renaming import Names
from shipway.domain.run import RunRecord
from shipway.domain.single_test import FAILED, FLAKY, PASSED, RunTest, numbers
from shipway.domain.value import dataclass
from shipway.domain.waiting import REJECTED
from shipway.server.observer import Board, Rate
from shipway.system.durations import ago, human

Page = Callable[..., Response]  # of the request, a template and its values
LATEST = 20  # deployments and runs on a page
NUMBER, COMMIT = re.compile("[1-9][0-9]{0,8}"), re.compile("[0-9a-f]{40}|[0-9a-f]{64}")  # of a pull request
LANE = 1000  # units of the width in which a run is drawn
EVENTS = 2000  # on a page at first; what follows comes live
BAD_TESTS, TESTS, ALL_TESTS = 50, 100, 5000  # on a page: that failed, with their outputs; others, at first and at most


@dataclass(frozen=True)
class Pill:
    """A state in a word. kind: ok, warn, bad or dim; the word says it too, for who sees no colours."""

    kind: str
    text: str


def unknown_app(name: str) -> UsageError:
    """Who may not see an app doesn't learn that it exists."""
    return UsageError(f"the ledger has no app {name!r}, or you may not see it")


def state(item: EnvironmentStatus) -> Pill:
    """Of an environment: the worst that is known."""
    if item.lease:
        return Pill("warn", f"● {item.lease.reason}")
    if item.current is None:
        return Pill("dim", "nothing deployed")
    if item.unreachable:
        return Pill("bad", "✗ a host is away")
    if item.crashing or item.edge_down or any(running < wanted for running, wanted in item.services.values()):
        return Pill("bad", "✗ not all runs")
    if item.latest and item.latest.outcome == PENDING:
        return Pill("bad", "✗ unfinished")
    if item.hold:
        return Pill("warn", "● on hold")
    if item.orphans or item.renewal or item.launch or (item.backups and item.backups.late):
        return Pill("warn", "● live, with remarks")
    return Pill("ok", "✓ live")


def outcome(text: str) -> Pill:
    """Of a run, a step, a deployment or a push."""
    kind = {"succeeded": "ok", "failed": "bad", "pending": "warn", "": "warn"}.get(text, "dim")
    sign = {"ok": "✓ ", "bad": "✗ ", "warn": "● "}.get(kind, "")
    return Pill(kind, f"{sign}{text if text not in ('', PENDING) else 'in progress'}")


def summary(board: Board) -> str:
    """The state of an app in a sentence or two."""
    if board.problem:
        return f"It could not be read: {board.problem}"
    if not board.seen:
        return "It is being read."
    parts = [
        f"Release {gate.release} waits for {name}: {len(gate.missing)} open point{'s' * (len(gate.missing) != 1)}."
        if gate.missing
        else f"Release {gate.release} may go to {name}."
        for name, gate in (board.gates or {}).items()
    ]
    gates = {(name, gate.release) for name, gate in (board.gates or {}).items()}
    waits = [(item.environment.name, item.waiting.release) for item in board.environments if item.waiting]
    parts += [f"Release {release} waits for {name}." for name, release in waits if (name, release) not in gates]
    bad = [item.environment.name for item in board.environments if state(item).kind == "bad"]
    parts.append(f"Look at {', '.join(bad)}." if bad else "Nothing is wrong.")
    return " ".join(parts)


def release(ctx: Context, app: str, number: int) -> Release:
    """UsageError if there is none."""
    found = ctx.ledger.release(app, number)
    if found is None:
        raise UsageError(f"{ctx.names.shown(app)} has no release {number}")
    return found


def deployments(ctx: Context, app: str) -> list[dict[str, Any]]:
    """The newest ones."""
    names = ctx.names
    return [_deployment(ctx, names, item) for item in ctx.ledger.deployments(app, None, LATEST)]


def _deployment(ctx: Context, names: Names, item: Deployment) -> dict[str, Any]:
    release = ctx.ledger.release(item.app, item.release)
    return {
        "item": item, "when": ago(ctx.clock() - item.started), "environment": names.shown(item.app, item.environment),
        "subject": release.subject if release else "", "outcome": outcome(item.outcome),
        "took": human(item.finished - item.started) if item.finished else "",
        "detail": item.detail.partition("\n")[0], "hotfix": SINCE in item.reason and bool(hotfix_of(ctx, item.app, item.environment, item.release)),
    }  # fmt: skip


def to_check(given: Mapping[str, str], *, may: bool) -> dict[str, Any]:
    """The form for a pull request from another repository, as a link fills it in."""
    pull, commit = given.get("pull", ""), given.get("commit", "")
    return {
        "may": may, "pull": pull if NUMBER.fullmatch(pull) else "", "commit": commit if COMMIT.fullmatch(commit) else "",
    }  # fmt: skip


def previews(ctx: Context, app: str) -> list[dict[str, Any]]:
    """Of pull requests."""
    kinds = {READY: "ok", PREVIEW_FAILED: "bad", CREATING: "warn", CLOSING: "warn"}
    signs = {"ok": "✓ ", "bad": "✗ ", "warn": "● "}
    now, found = ctx.ledger.now(), []
    for item in seen(ctx, app):
        kind = kinds.get(item.state, "dim")
        ends = f"in {human(item.ends - now)}" if item.ends > now else ""
        found.append({"item": item, "state": Pill(kind, f"{signs.get(kind, '')}{item.state}"), "ends": ends})
    return found


def runs(ctx: Context, app: str) -> list[dict[str, Any]]:
    """The newest ones."""
    return [_run(ctx, item) for item in ctx.ledger.runs(app, LATEST)]


def _run(ctx: Context, item: RunRecord) -> dict[str, Any]:
    return {
        "item": item, "when": ago(ctx.clock() - item.started), "outcome": outcome(item.outcome),
        "took": human((item.finished or ctx.clock()) - item.started), "ref": short_name(item.trigger.ref),
    }  # fmt: skip


@dataclass(frozen=True)
class Logged:
    """Something with a log. going: whether more may come; again: reads it once more; data: for its template."""

    subject: Subject
    going: bool
    again: Callable[[], Logged]
    data: Callable[[], dict[str, Any]]


def run(ctx: Context, app: str, number: int, every: bool = False) -> Logged:
    """A run with its steps and tests. every: list all tests that are kept. UsageError if there is none."""
    found = ctx.ledger.run(app, number)
    if found is None:
        raise UsageError(f"{ctx.names.shown(app)} has no run {number}")
    again = partial(run, ctx, app, number)
    return Logged(Subject(RUN, app, number), found.finished is None, again, partial(_run_with_steps, ctx, found, every))


def _run_with_steps(ctx: Context, item: RunRecord, every: bool) -> dict[str, Any]:
    now, found = ctx.clock(), ctx.ledger.steps(item.number)
    begun = min((step.started for step in found), default=now)
    total = max([(step.finished or now) - begun for step in found], default=0.0) or 1.0
    steps = [
        {
            "name": step.name, "outcome": outcome(step.outcome), "failure": step.failure, "tests": step.result.tests,
            "took": human((step.finished or now) - step.started), "since": None if step.finished else step.started,
            "x": round((step.started - begun) / total * LANE),
            "width": max(4, round(((step.finished or now) - step.started) / total * LANE)),
        }
        for step in found
    ]  # fmt: skip
    return {**_run(ctx, item), "steps": steps, "lane": LANE, "tests": _tests(run_tests(ctx, item), every)}


def undeployed(ctx: Context, app: str, number: int) -> list[dict[str, Any]]:
    """Where the release of a run was to be deployed last, and was not: the deployment failed, or was cancelled."""
    made = [item for item in ctx.ledger.releases(app, LATEST) if item.run == number]
    return [
        {"release": item.number, "kept": name, "environment": ctx.names.shown(app, name), "outcome": outcome(last.outcome)}
        for item in made for name in item.plan.environments
        if (last := ctx.ledger.latest(app, name)) and last.release == item.number
        and (last.kind, last.outcome) in ((DEPLOY, NOT_DEPLOYED), (DEPLOY, CANCELLED)) and not last.detail.startswith(REJECTED)
    ]  # fmt: skip


def _tests(found: Sequence[RunTest], every: bool) -> dict[str, Any] | None:
    """Those that failed with their outputs, and the others as rows; None: there are none."""
    shown = [{"item": item, "outcome": tested(item.outcome), "took": human(item.seconds)} for item in found]
    bad = [each for each, item in zip(shown, found, strict=True) if item.outcome in (FAILED, FLAKY)][:BAD_TESTS]
    rest = shown[len(bad) :]
    listed = rest[: ALL_TESTS if every else TESTS]
    return {"numbers": numbers(found), "bad": bad, "rest": listed, "more": len(rest) - len(listed)} if found else None


def tested(text: str) -> Pill:
    """The outcome of a test."""
    kind = {PASSED: "ok", FAILED: "bad", FLAKY: "warn"}.get(text, "dim")
    return Pill(kind, f"{({'ok': '✓ ', 'bad': '✗ ', 'warn': '● '}).get(kind, '')}{text}")


def deployment(ctx: Context, app: str, environment: str, id: int) -> Logged:
    """UsageError if there is none."""
    found = ctx.ledger.deployment(app, environment, id)
    if found is None:
        raise UsageError(f"{ctx.names.shown(app, environment)} has no deployment {id}")
    again = partial(deployment, ctx, app, environment, id)
    data = partial(_deployment, ctx, ctx.names, found)
    return Logged(Subject(DEPLOYMENT, app, id), found.outcome == PENDING, again, data)


def push(ctx: Context, id: int) -> Logged:
    """UsageError if there is none."""
    found = ctx.ledger.push(id)
    if found is None:
        raise UsageError(f"there is no push {id}")
    data = partial(_push, found, ctx.ledger.now())
    return Logged(Subject(PUSH, "", id), found.ended is None, partial(push, ctx, id), data)


def pushes(found: Sequence[Push], now: float) -> list[dict[str, Any]]:
    """As rows of the queue."""
    return [_push(item, now) for item in found]


def _push(item: Push, now: float) -> dict[str, Any]:
    waiting = Pill("warn", "● in progress") if item.until > now else Pill("dim", "waits")
    return {
        "item": item, "when": ago(now - item.queued), "outcome": outcome(item.outcome) if item.ended else waiting,
        "ref": short_name(item.ref), "took": human((item.ended or now) - item.started) if item.started else "",
    }  # fmt: skip


def back(ctx: Context, app: str, environment: str, item: EnvironmentStatus) -> str:
    """Where a rollback would lead, and how that was proven. environment: its first name."""
    if item.release is None:
        return ""
    number = target(ctx, app, environment)
    if number is None:
        return "to nothing: no older release was good there"
    proven = f"{item.proof.rollback}, {item.proof.verdict}" if item.proof else "not proven"
    fast = ", on standby" if any(standby.release == number for standby in item.standby) else ""
    return f"to r{number}: {proven}{fast}"


def target(ctx: Context, app: str, environment: str) -> int | None:
    """The release that a rollback leads to; None if it would be refused. environment: its first name."""
    found = rollback_target(ctx.ledger.history(app, environment))
    return found.release if found else None


def traffic(rate: Rate | None) -> str:
    """Requests lately; empty if they are not counted."""
    if rate is None:
        return ""
    seen = rate.traffic
    if not seen.requests:
        return f"none in {human(rate.seconds)}"
    count = seen.requests / rate.seconds
    slow = f" · 95 % within {human(seen.slowest)}" if seen.slowest is not None else ""
    errors = f"{seen.failing:.2%} errors" if seen.errors else "no errors"
    return f"{count:.3g} a second · {errors}{slow}"


def lines(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Events as lines of a log."""
    return [line_of(event) for event in events]


def line_of(event: Event) -> dict[str, Any]:
    """One event. kind: a class of the page."""
    if event.kind == END:
        took = f" {human(event.seconds)}" if event.seconds is not None else ""
        text = f"{outcome(event.outcome).text}{took}" + (f" {event.text}" if event.text else "")
    else:
        text = event.text
    kind = {HEADING: "heading", BEGIN: "begin", LINE: "line", CUT: "cut", END: "end"}.get(event.kind, "note")
    bad = event.kind == END and event.outcome == "failed"
    return {"seq": event.seq, "at": event.at, "kind": f"{kind} bad" if bad else kind, "name": event.name, "text": text}
