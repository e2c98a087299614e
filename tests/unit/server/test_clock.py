"""The minute's work: both parts are started, none twice at once, and what they say is told once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shipway.server import clock
from shipway.server.clock import PARTS, Clock
from tests.system.tiny import soon
from tests.unit.world import World


@contextmanager
def running(world: World, monkeypatch: pytest.MonkeyPatch, program: str) -> Iterator[Clock]:
    """A clock whose minutes are short, and which starts this program."""
    monkeypatch.setattr(clock, "own_command", lambda *words: [sys.executable, "-S", "-c", program, *words])
    monkeypatch.setattr(clock, "EVERY", 0.01)
    monkeypatch.setattr(clock, "LOOK", 0.01)
    found, over = Clock(world.controller()), threading.Event()
    thread = threading.Thread(target=found.run, args=(over,))
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join(60)
        for process in found._running.values():
            process.kill()
            process.wait()


def test_both_parts_are_started_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, seen = World(tmp_path), tmp_path / "seen"
    program = f"import sys; open({str(seen)!r}, 'a').write(sys.argv[-1] + '\\n'); print('the same')"
    with running(world, monkeypatch, program):
        soon(lambda: seen.exists() and all(seen.read_text().split().count(part) > 2 for part in PARTS))
        soon(lambda: world.notes.count("tick: the same") == len(PARTS))


def test_one_that_still_works_is_not_started_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    program = f"import sys, time; open({str(seen)!r}, 'a').write(sys.argv[-1] + '\\n'); sys.argv[-1] == 'backups' and time.sleep(600)"
    with running(World(tmp_path), monkeypatch, program):
        soon(lambda: seen.exists() and seen.read_text().split().count("jobs") > 2)
        soon(lambda: "backups" in seen.read_text())
        assert seen.read_text().split().count("backups") == 1


def test_a_folder_that_can_t_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    monkeypatch.setattr(clock, "log_folder", lambda home: tmp_path / "missing")
    with running(world, monkeypatch, "pass"):
        soon(lambda: any("can't be started" in note for note in world.notes))
