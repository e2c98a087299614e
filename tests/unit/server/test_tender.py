"""The server starts a process for each preview for which something is to be done, and none twice."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from shipway.domain.preview import CLOSED, OPEN, Preview
from shipway.server import previews
from shipway.server.previews import Tender
from tests.unit.world import World

SEVEN = Preview("shop", 7, "feature", "a" * 40, OPEN, "ada", 0.0)


class Process:
    """One that goes on until a test ends it."""

    def __init__(self, command: list[str]) -> None:
        self.command, self.code = command, None

    def poll(self) -> int | None:
        return self.code


def test_each_gets_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, started = World(tmp_path), list[Process]()
    ctx = world.controller()

    def popen(command: list[str], **more: object) -> Process:
        started.append(Process(command[command.index("worker") :]))
        return started[-1]

    monkeypatch.setattr(previews.subprocess, "Popen", popen)
    moment = 1000.0
    monkeypatch.setattr(previews.time, "monotonic", lambda: moment)
    tender = Tender(ctx)
    tender._look()
    assert started == []
    wish = ctx.ledger.want_preview(SEVEN)
    tender._look()
    tender._look()
    assert [item.command for item in started] == [["worker", "--preview", "shop/7"]]
    ctx.ledger.want_preview(replace(SEVEN, number=8))
    tender._look()
    assert [item.command[-1] for item in started] == ["shop/7", "shop/8"]

    # One that has ended and left something to be done is started again a while later, or at once where something else is wanted.
    started[0].code = started[1].code = 1
    tender._look()
    assert len(started) == 2
    ctx.ledger.want_preview(replace(wish, wanted=CLOSED))
    tender._look()
    assert [item.command[-1] for item in started[2:]] == ["shop/7"]
    moment += 60
    tender._look()
    assert [item.command[-1] for item in started[3:]] == ["shop/8"]
    world.close()


@pytest.mark.parametrize("error", [OSError("no space left"), AssertionError("it has no release")])
def test_it_goes_on_when_a_look_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    world, over, looks = World(tmp_path), threading.Event(), 0

    def look(self: Tender) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            over.set()
        raise error

    monkeypatch.setattr(previews, "LOOK", 0.0)
    monkeypatch.setattr(Tender, "_look", look)
    Tender(world.controller()).run(over)
    assert looks == 2
    world.close()
