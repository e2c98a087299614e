"""Operations that only read. What belongs to an environment that may not be seen is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shipway import shapes
from shipway.actions.environment.observe import versions
from shipway.actions.projects.apps import AppSummary
from shipway.actions.projects.apps import apps as read_apps
from shipway.actions.schedules.overview import overview
from shipway.actions.upkeep.run_tests import run_tests
from shipway.domain.queue import Push
from shipway.domain.record import to_data
from shipway.domain.record_schema import class_schema, type_schema
from shipway.domain.release import Deployment, Release
from shipway.domain.run import RunRecord
from shipway.server.access import sees
from shipway.server.api.operation import Call, Refused, missing
from shipway.server.observer import Board, Gate
from shipway.shapes import TEXT, Kinds
from shipway.system.git.login import masked

RELEASE = ("number", "app", "revision", "tree", "subject", "images", "run", "created", "schema", "digest")
AGAIN = 2  # seconds


def apps(call: Call) -> Any:
    """Those of which something may be seen."""
    names, found = call.ctx.names, list[AppSummary]()
    for item in read_apps(call.ctx):
        kept = names.app(item.name)
        own = replace(call, app=kept)
        running = {name: release for name, release in item.running.items() if own.sees(names.environment(kept, name))}
        if sees(call.who, kept):
            found.append(replace(item, running=running))
    return to_data(found)


def status(call: Call) -> Any:
    """As seen last, a few seconds ago."""
    board = seen(call)
    if board.problem:
        raise Refused(503, f"{call.shown_app} can't be read now: {board.problem}", name="EngineError", retry=AGAIN)
    return shapes.status_data(board.environments)


def board(call: Call) -> Any:
    """As the page shows it, also where it could not be read."""
    found = seen(call)
    return {
        "app": found.app, "seen": found.seen, "problem": found.problem, "version": found.version,
        "order": [item.environment.name for item in found.environments],
        "environments": shapes.status_data(found.environments), "gates": to_data(found.gates or {}),
    }  # fmt: skip


def board_schema(kinds: Kinds) -> Any:
    """Of `board`."""
    return shapes.object_of({
        "app": TEXT, "seen": {"type": "number", "description": "when (seconds since the epoch)"},
        "problem": {"type": "string", "description": "why it could not be read; then the rest is what was seen before"},
        "version": {"type": "integer", "description": "increases with each change"},
        "order": {**shapes.list_of(TEXT), "description": "the environments in the order of promotion"},
        "environments": shapes.status(kinds),
        "gates": {**type_schema(dict[str, Gate], kinds), "description": "what would go to an environment next"},
    })  # fmt: skip


def seen(call: Call) -> Board:
    """What may be seen of the app. Refused if it was not read yet."""
    found = call.observer.board(call.shown_app)
    require_seen(found)
    names = call.ctx.names
    may = {
        name for item in found.environments
        if call.sees(names.environment(call.app, name := item.environment.name))
    }  # fmt: skip
    environments = tuple(item for item in found.environments if item.environment.name in may)
    gates = {name: gate for name, gate in (found.gates or {}).items() if name in may}
    return replace(found, environments=environments, gates=gates)


def require_seen(board: Board) -> None:
    """Refused if the app was not read yet."""
    if not board.seen:
        hint = "try it again in a moment"
        raise Refused(503, f"{board.app} is being read", hint=hint, name="StoreError", retry=AGAIN)


def runs(call: Call) -> Any:
    """The newest ones."""
    found = [item for item in call.ctx.ledger.runs(call.app, call.given["limit"]) if item.number > call.given["after"]]
    return [_run(call, item) for item in found]


def run(call: Call) -> Any:
    """With its steps."""
    steps = [
        {
            "name": item.name, "started": item.started, "finished": item.finished, "outcome": item.outcome,
            "tests": item.result.tests,
        }
        for item in call.ctx.ledger.steps(call.number)
    ]  # fmt: skip
    return {**_run(call, one_run(call)), "steps": steps}


def tests(call: Call) -> Any:
    """Failures first."""
    return to_data(run_tests(call.ctx, one_run(call))[: call.given["limit"]])


def one_run(call: Call) -> RunRecord:
    """Refused if there is none."""
    found = call.ctx.ledger.run(call.app, call.number)
    if found is None:
        raise missing(f"run {call.number} of {call.shown_app}")
    return found


def _run(call: Call, item: RunRecord) -> Any:
    return to_data(replace(item, app=call.shown_app))


def run_schema(kinds: Kinds) -> Any:
    """Of `run`."""
    step = shapes.object_of({
        "name": TEXT, "started": {"type": "number"}, "finished": shapes.or_null({"type": "number"}), "outcome": TEXT,
        "tests": {"type": "string", "description": "summary of its reports"},
    })  # fmt: skip
    return shapes.object_of({**class_schema(RunRecord, kinds)["properties"], "steps": shapes.list_of(step)})


def releases(call: Call) -> Any:
    """The newest ones."""
    return [_release(call, item) for item in call.ctx.ledger.releases(call.app, call.given["limit"])]


def release(call: Call) -> Any:
    """One."""
    found = call.ctx.ledger.release(call.app, call.number)
    if found is None:
        raise missing(f"release {call.number} of {call.shown_app}")
    return _release(call, found)


def _release(call: Call, item: Release) -> Any:
    data = {name: to_data(getattr(item, name)) for name in RELEASE}
    return {**data, "app": call.shown_app, "versions": versions(call.ctx, item)}


def release_schema(kinds: Kinds) -> Any:
    """Of `release`: neither its plan nor its files, which may be long."""
    whole = class_schema(Release, kinds, only=RELEASE)["properties"]
    return shapes.object_of({**whole, "versions": shapes.list_of(TEXT)})


def deployments(call: Call) -> Any:
    """The newest ones, of all environments or one."""
    return [to_data(_shown(call, item)) for item in _deployments(call)]


def deployment(call: Call) -> Any:
    """One."""
    return to_data(_shown(call, one_deployment(call)))


def one_deployment(call: Call) -> Deployment:
    """Refused if there is none."""
    found = call.ctx.ledger.deployment(call.app, call.environment, call.number)
    if found is None:
        raise missing(f"deployment {call.number} of {call.shown_app} to {call.shown_environment}")
    return found


def history(call: Call) -> Any:
    """Deployments with their approvals, proofs and purges."""
    return shapes.history_data(call.ctx, _deployments(call), lambda item: _shown(call, item))


def _deployments(call: Call) -> list[Deployment]:
    """Listed by environment, so that the newest ones are found of each that may be seen."""
    ledger, limit = call.ctx.ledger, call.given["limit"]
    names = (
        [call.environment] if call.environment else [name for name in ledger.environments(call.app) if call.sees(name)]
    )
    found = [item for name in names for item in ledger.deployments(call.app, name, limit)]
    found = [item for item in found if item.id > call.given.get("after", 0)]
    return sorted(found, key=lambda item: item.id, reverse=True)[:limit]


def _shown(call: Call, item: Deployment) -> Deployment:
    return replace(item, app=call.shown_app, environment=call.ctx.names.shown(item.app, item.environment))


def approvals(call: Call) -> Any:
    """Of a release, oldest first."""
    found = call.ctx.ledger.approvals(call.app, call.environment, call.given["release"])
    return [shapes.approval_data(item) for item in found]


def schedules(call: Call) -> Any:
    """What jobs printed is a log."""
    found, may = overview(call.ctx, call.app, call.environment), call.sees(call.environment, "logs")
    if not may:
        found = [replace(item, runs=tuple(replace(run, log="") for run in item.runs)) for item in found]
    return to_data(found)


def queue(call: Call) -> Any:
    """The newest pushes."""
    return [_push(item) for item in call.ctx.ledger.pushes(call.given["limit"], open=call.given["open"])]


def push(call: Call) -> Any:
    """One."""
    found = call.ctx.ledger.push(call.number)
    if found is None:
        raise missing(f"push {call.number}")
    return _push(found)


def _push(item: Push) -> Any:
    """Without the login that an address may have."""
    return to_data(replace(item, repository=masked(item.repository)))
