"""The dispatcher of the queue: nothing blocks it for ever, and a ledger that is away does not end it."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path
from typing import Any

import pytest

from shipway.actions.deployments.waits import mark_of
from shipway.domain.errors import LeaseHeld, StoreError
from shipway.domain.queue import Push
from shipway.domain.release import CANCELLED, FAILED, Approval
from shipway.server import commands, dispatcher
from shipway.server.dispatcher import Dispatcher
from shipway.system.machine import machine_id
from shipway.testing.ledger.queue import pushed
from shipway.testing.ledger.waiting import waits
from tests.unit.world import World


class Started:
    """A process that has ended."""

    def poll(self) -> int:
        return 1


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of the processes; none is started."""
    found: list[list[str]] = []

    def popen(command: list[str], **given: object) -> Started:
        found.append(command)
        return Started()

    monkeypatch.setattr("shipway.server.dispatcher.subprocess.Popen", popen)
    monkeypatch.setattr("shipway.server.dispatcher.AGAIN", 0.01, raising=False)
    return found


@pytest.mark.parametrize("module", [commands, dispatcher])
def test_processes_have_the_credentials_of_the_server_and_no_other_repository(
    monkeypatch: pytest.MonkeyPatch, module: Any
) -> None:
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i key")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    found = module.own_variables()  # as it is passed to a process
    assert (found.get("GIT_SSH_COMMAND"), found.get("GIT_CONFIG_COUNT")) == ("ssh -i key", "0")
    assert "GIT_DIR" not in found


def until(over: threading.Event, work: Dispatcher) -> threading.Thread:
    thread = threading.Thread(target=work.run, args=(over,))
    thread.start()
    return thread


def test_a_push_whose_process_dies_each_time_comes_to_an_end(tmp_path: Path, started: list[list[str]]) -> None:
    ctx = World(tmp_path).controller()
    place = machine_id(ctx.home)
    push = ctx.ledger.enqueue(pushed("a", place=place))
    ctx.ledger.claim_push(place, (place, ""), 0)
    behind = ctx.ledger.enqueue(dataclasses.replace(pushed("b", place=place), ref="refs/heads/staging", new="c" * 40))
    work = Dispatcher(ctx, 2)
    for _ in range(50):
        claimed = ctx.ledger.claim_push(place, (place, ""), 0)  # its process is dead at once
        if claimed is None or claimed.id != push.id:
            break
        work._start(claimed)
    found = ctx.ledger.push(push.id)
    assert found is not None
    assert found.outcome == FAILED
    assert "ended 10 times" in found.note
    assert len(started) == 9
    assert claimed is not None
    assert claimed.id == behind.id


def test_it_outlives_a_ledger_that_is_away(tmp_path: Path, started: list[list[str]]) -> None:
    ctx = World(tmp_path).controller()
    failing = {
        "acquire": [StoreError("away"), LeaseHeld("queue is locked by another")],
        "now": [StoreError("away")] * 3,
    }

    class Ledger:
        def __getattr__(self, name: str) -> Any:
            if failing.get(name):
                raise failing[name].pop()
            return getattr(ctx.ledger, name)

    over, ledger = threading.Event(), Ledger()
    own = dataclasses.replace(ctx, ledger=ledger)  # type: ignore[arg-type]
    thread = until(over, Dispatcher(own, 2))
    push: Push = ctx.ledger.enqueue(pushed("a", place=machine_id(ctx.home)))
    while thread.is_alive() and not started:
        over.wait(0.01)
    over.set()
    thread.join()
    assert started
    assert str(push.id) in started[0]
    assert not ctx.cancelled.is_set()


def test_what_runs_is_counted_in_a_long_queue(tmp_path: Path) -> None:
    ctx = World(tmp_path).controller()
    place = machine_id(ctx.home)
    ctx.ledger.enqueue(pushed("a", "refs/heads/first", place))
    for number in range(1001):
        ctx.ledger.enqueue(pushed(f"{number % 10}{number}", f"refs/heads/b{number}", place))
    ctx.ledger.claim_push(place, (place, ""), 60)
    assert not Dispatcher(ctx, 1)._free()


def test_a_deployment_that_waits_is_judged_when_something_was_decided(
    tmp_path: Path, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shipway.server.dispatcher.WAITING", 0.0)
    world = World(tmp_path)
    ctx, release = world.controller(), world.release(1)
    added = ctx.ledger.add_waiting(waits(release.number))
    assert added is not None
    ctx.ledger.judge_waiting(added.id, added.why, None, mark_of(ctx, added))
    work = Dispatcher(ctx, 2)
    work._waiting()
    assert started == [], "nothing was decided since it was judged"
    ctx.ledger.add_approval(Approval("shop", "production", 1, release.digest, "eve@example.org", "", world.now))
    work._waiting()
    work._waiting()
    assert [command[-3:] for command in started] == [["worker", "--waiting", str(added.id)]], "once"
    ctx.ledger.add_approval(Approval("shop", "production", 1, release.digest, "bob@example.org", "", world.now))
    work._waiting()
    assert len(started) == 2, "a process that has looked before the second one would have missed it"
    ctx.ledger.end_waiting(added, CANCELLED, "")
    work._waiting()
    assert len(started) == 2
