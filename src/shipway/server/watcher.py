"""The observer in a process of its own: what it reads keeps no page and no webhook waiting."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from typing import IO

from shipway.context import Context
from shipway.server.observer import Board, Observer
from shipway.system.background import own_command, own_variables

AGAIN = 2.0  # seconds before another process is started after one that ended
TOLD = 1.0  # seconds between two words that an app is read
ENDING = 10.0  # seconds that the process gets to end


class Watcher:
    """The boards, as the observer's process saw them last."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._boards: dict[str, Board] = {}
        self._told: dict[str, float] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def apps(self) -> list[str]:
        """Their present names."""
        return sorted(map(self._ctx.names.shown, self._ctx.ledger.apps()))

    def seen(self, app: str) -> Board:
        """As seen last, by a program."""
        return self._boards.get(app, Board(app))

    def board(self, app: str) -> Board:
        """As seen last; the reader's next look is soon answered by a newer one."""
        found = self._boards.get(app)
        if found is None:  # not yet, or it is no app
            return Board(app)
        self._tell(app)
        return found

    def version(self, app: str) -> int:
        """Of the board."""
        return self.board(app).version

    def run(self, over: threading.Event) -> None:
        """Until `over`. If the process ends, another one is started."""
        while not over.is_set():
            process = self._process = _started(self._ctx)
            ends = threading.Thread(target=_end, args=(process, over), daemon=True)
            ends.start()
            assert process.stdout is not None
            if not self._read(process.stdout):
                process.kill()  # it would wait for somebody who reads
            code = process.wait()
            if not over.is_set():
                self._ctx.reporter.note(
                    f"the process that reads the environments ended with {code}; another one begins"
                )
            over.wait(AGAIN)

    def _read(self, boards: IO[bytes]) -> bool:
        """Until its end. False: it is not understood, as after an update of Shipway beneath this process. The versions of a
        process that was replaced are continued, since open pages know them."""
        before = {name: board.version for name, board in self._boards.items()}
        while True:
            try:
                board: Board = pickle.load(boards)
                self._boards[board.app] = board.later(before.get(board.app, 0))
            except EOFError:
                return True
            except Exception:  # of what another version wrote, pickle raises anything
                return False

    def _tell(self, app: str) -> None:
        """That somebody reads it."""
        now = time.monotonic()
        if now - self._told.get(app, -TOLD) < TOLD:
            return
        self._told[app] = now
        process = self._process
        if process is not None and process.stdin is not None:
            try:
                process.stdin.write(f"{app}\n".encode())
                process.stdin.flush()
            except (OSError, ValueError):  # it has ended; the next one reads everything once
                pass


def observe(observer: Observer) -> None:
    """The work of that process: boards go to the standard output, the names of apps that are read come from the standard
    input, and its end is the end of the work."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what else is printed is no board
    os.nice(5)  # pages come first
    over = threading.Event()

    def send(board: Board) -> None:
        try:
            pickle.dump(board, out)
            out.flush()
        except OSError:  # who read it has ended
            over.set()

    def listen() -> None:
        for line in sys.stdin.buffer:
            observer.board(line.decode().rstrip("\n"))
        over.set()

    threading.Thread(target=listen, daemon=True).start()
    observer.run(over, send)


def _started(ctx: Context) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    command = own_command("--home", str(ctx.home), "serve", "--observe")
    return subprocess.Popen(command, cwd="/", env=own_variables(), stdin=pipe, stdout=pipe, start_new_session=True)


def _end(process: subprocess.Popen[bytes], over: threading.Event) -> None:
    """Once it is to end: by the end of its input, else by force."""
    while process.poll() is None and not over.wait(1.0):
        pass
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
