"""The observer's process: its boards are read as they come, and one that ends is replaced."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shipway.server import watcher
from shipway.server.observer import Board
from shipway.server.watcher import Watcher
from tests.system.tiny import soon
from tests.unit.world import World

# Tells one board, then each app that it was told of, and ends when it is told so.
STANDS_IN = """
import pickle, sys
from shipway.server.observer import Board
def tell(app, version):
    pickle.dump(Board(app, version=version), sys.stdout.buffer)
    sys.stdout.flush()
tell("shop", 1)
for line in sys.stdin:
    if line.strip() == "end":
        break
    tell("told-" + line.strip(), 1)
    tell("shop", 2)
"""


def test_versions_continue_when_the_process_was_replaced(tmp_path: Path) -> None:
    found = Watcher(World(tmp_path).controller())
    for _ in range(2):
        found._read(io.BytesIO(pickle.dumps(Board("shop", version=1)) + pickle.dumps(Board("shop", version=2))))
    assert found.version("shop") == 4


def test_half_a_board_is_no_board(tmp_path: Path) -> None:
    found = Watcher(World(tmp_path).controller())
    whole = pickle.dumps(Board("shop", version=1))
    found._read(io.BytesIO(whole + whole[: len(whole) // 2]))
    assert found.version("shop") == 1
    assert found.board("other") == Board("other")


@pytest.mark.parametrize(
    "said", [b"a note\n", b"cshipway.server.observer\nOfAnotherVersion\n.", b"cno.such.part\nBoard\n.", pickle.dumps(1)]
)
def test_a_process_that_is_not_understood_is_replaced(
    said: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    says = f"import sys; sys.stdout.buffer.write({said!r}); sys.stdout.flush(); sys.stdin.read()"

    def start(*given: object) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        started.append(
            subprocess.Popen([sys.executable, "-c", STANDS_IN if started else says], stdin=pipe, stdout=pipe)
        )
        return started[-1]

    monkeypatch.setattr(watcher, "_started", start)
    monkeypatch.setattr(watcher, "AGAIN", 0.01)
    found, over = Watcher(World(tmp_path).controller()), threading.Event()
    running = threading.Thread(target=found.run, args=(over,))
    running.start()
    try:
        soon(lambda: found.version("shop"))
        assert started[0].poll() is not None
    finally:
        over.set()
        for process in started:
            process.kill()
        running.join(30)
    assert not running.is_alive()


def test_a_process_that_ends_is_replaced_and_hears_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*given: object) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([sys.executable, "-c", STANDS_IN], stdin=pipe, stdout=pipe))
        return started[-1]

    monkeypatch.setattr(watcher, "_started", start)
    monkeypatch.setattr(watcher, "AGAIN", 0.01)
    found, over = Watcher(World(tmp_path).controller()), threading.Event()
    running = threading.Thread(target=found.run, args=(over,))
    running.start()
    try:
        soon(lambda: found.version("shop"))
        soon(lambda: found.version("told-shop"))
        soon(lambda: found.version("shop") == 2)
        started[0].kill()
        soon(lambda: found.version("shop") > 2)
        assert len(started) == 2
    finally:
        over.set()
        running.join(30)
    assert not running.is_alive()
    assert all(process.poll() is not None for process in started)
