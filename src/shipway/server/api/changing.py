"""Operations that change something: each is a command, as on the page and on the command line, in the name of who asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool

from shipway import shapes
from shipway.domain.errors import DiskFull, EdgeError, EngineError, NotAllowed, RegistryError, StoreError
from shipway.server.api import reading
from shipway.server.api.operation import PREFIX, Call, Refused, missing, name_of
from shipway.server.orders import Orders
from shipway.shapes import TEXT, Kinds
from shipway.system.plain import plain
from shipway.system.process import Completed

AWAY = {kind.exit_code for kind in (EngineError, RegistryError, EdgeError, StoreError, DiskFull)}
LONGEST = 10_000  # characters of what a command printed
TIMED_OUT = 124


async def start_run(call: Call, orders: Orders) -> Any:
    """Run the pipeline for a revision."""
    ctx, app = call.ctx, call.app
    before = await run_in_threadpool(lambda: max((item.number for item in ctx.ledger.runs(app, 1)), default=0))

    def made() -> int | None:
        newer = [item for item in ctx.ledger.runs(app, 20) if item.number > before]
        return next((item.number for item in reversed(newer) if item.trigger.actor == call.who.person), None)

    words = ["run", "--app", call.shown_app, "--", call.given["revision"]]
    done = await _started(call, orders, words)
    place = f"{PREFIX}/apps/{call.shown_app}/runs"
    return await _follow("run", made, place, f"{place}?after={before}", done)


async def cancel_run(call: Call, orders: Orders) -> Any:
    """Cancel it."""
    await run_in_threadpool(reading.one_run, call)
    words = ["cancel", str(call.number), f"--reason={_reason(call)}", "--app", call.shown_app]
    done = await _started(call, orders, words)
    place = f"{PREFIX}/apps/{call.shown_app}/runs"
    return await _follow("run", lambda: call.number, place, f"{place}/{call.number}", done)


async def deploy(call: Call, orders: Orders) -> Any:
    """Deploy a release."""
    release = call.given["release"]
    if await run_in_threadpool(call.ctx.ledger.release, call.app, release) is None:
        raise missing(f"release {release} of {call.shown_app}")
    return await _deployed(call, orders, ["deploy", call.shown_environment, f"r{release}", "--app", call.shown_app])


async def roll_back(call: Call, orders: Orders) -> Any:
    """Roll back to the last good release, or to one."""
    words = ["rollback", call.shown_environment, f"--reason={_reason(call)}", "--app", call.shown_app]
    if call.given["to"] is not None:
        words += ["--to", f"r{call.given['to']}"]
    return await _deployed(call, orders, words)


async def approve(call: Call, orders: Orders) -> Any:
    """Approve a release."""
    return await _judged(call, orders, "approve")


async def reject(call: Call, orders: Orders) -> Any:
    """Reject the deployment that waits."""
    return await _judged(call, orders, "reject")


async def _judged(call: Call, orders: Orders, command: str) -> Any:
    """The approvals of the release, then."""
    release = call.given["release"]
    if await run_in_threadpool(call.ctx.ledger.release, call.app, release) is None:
        raise missing(f"release {release} of {call.shown_app}")
    words = [command, call.shown_environment, f"r{release}", f"--reason={_reason(call)}", "--app", call.shown_app]
    _require_success(await orders.command(call.who, orders.commands.answer, words))
    return await run_in_threadpool(reading.approvals, call)


async def _deployed(call: Call, orders: Orders, words: Sequence[str]) -> Any:
    """What would change; or where to follow."""
    ctx = call.ctx
    if call.given["dry_run"]:
        shown = await orders.command(call.who, orders.commands.answer, [*words, "--dry-run", "--json"])
        _require_success(shown)
        return _document(shown.output)
    latest = await run_in_threadpool(ctx.ledger.latest, call.app, call.environment)
    before = latest.id if latest else 0

    def made() -> int | None:
        newer = [item for item in ctx.ledger.deployments(call.app, call.environment, 20) if item.id > before]
        return next((item.id for item in reversed(newer) if item.actor == call.who.person), None)

    done = await _started(call, orders, words)
    place = f"{PREFIX}/apps/{call.shown_app}/environments/{call.shown_environment}/deployments"
    return await _follow("deployment", made, place, f"{place}?after={before}", done)


async def _started(call: Call, orders: Orders, words: Sequence[str]) -> Completed | None:
    done = await orders.command(call.who, orders.commands.start, words)
    if done is not None:
        _require_success(done)
    return done


async def _follow(what: str, made: Callable[[], int | None], place: str, later: str, done: Completed | None) -> Any:
    number = await run_in_threadpool(made)
    follow = later if number is None else f"{place}/{number}"
    return {"what": what, "number": number, "follow": follow, "output": done.output[-LONGEST:] if done else ""}


def follow_schema(kinds: Kinds) -> Any:
    """Of what has begun."""
    return shapes.object_of({
        "what": {"enum": ["run", "deployment"]},
        "number": {**shapes.or_null({"type": "integer"}), "description": "null: it is not known yet"},
        "follow": {"type": "string", "description": "path to ask for it: one, or a list of those since"},
        "output": {"type": "string", "description": "what the command printed, if it has ended already"},
    })  # fmt: skip


def follow_or_changeset(kinds: Kinds) -> Any:
    """With dry_run, what would change."""
    return {"anyOf": [follow_schema(kinds), shapes.changeset(kinds)]}


def approvals_schema(kinds: Kinds) -> Any:
    """Of a release."""
    return shapes.list_of(shapes.approval(kinds))


def steps_text(kinds: Kinds) -> Any:
    """Of a stream."""
    return {**TEXT, "description": "events: their `data` is JSON, see the schema Event"}


def _require_success(done: Completed) -> None:
    """Refused with what the command said."""
    if done.code == 0:
        return
    hint = next((line[6:] for line in reversed(done.output.splitlines()) if line.startswith("hint: ")), "")
    name = "TimedOut" if done.code == TIMED_OUT else name_of(done.code)
    if done.code == NotAllowed.exit_code:
        raise Refused(403, done.output[-LONGEST:].strip(), hint=hint, name=name)
    status = 504 if done.code == TIMED_OUT else 503 if done.code in AWAY else 500 if done.code == 1 else 409
    raise Refused(
        status, done.output[-LONGEST:].strip() or f"the command ended with exit code {done.code}", hint=hint, name=name
    )


def _document(output: str) -> Any:
    """The JSON that a command printed among notes. Refused if there is none."""
    lines = output.split("\n")
    for at, line in enumerate(lines):
        if line.startswith("{"):
            try:
                found, _ = json.JSONDecoder().raw_decode("\n".join(lines[at:]))
            except ValueError:
                continue
            if isinstance(found, dict) and "changes" in found:
                return found
    raise Refused(500, output[-LONGEST:].strip() or "the command printed nothing", name="ShipwayError")


def _reason(call: Call) -> str:
    return plain(call.given["reason"])
