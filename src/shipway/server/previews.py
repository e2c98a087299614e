"""Starts a process for each preview for which something is to be done: to make, update, close, wake it or send it to sleep."""

from __future__ import annotations

import subprocess
import threading
import time

from shipway.actions.previews.bring_about import to_do
from shipway.context import Context
from shipway.domain.errors import StoreError
from shipway.domain.preview import Preview
from shipway.server.dispatcher import log_file
from shipway.system.background import own_command, own_variables

LOOK = 1.0  # seconds between looks
PATIENCE = 30.0  # seconds before another process is started for one of which nothing else is wanted since
MOST = 4  # at a time


class Tender:
    """A process of its own for each, which goes on if this one ends, and under a lock, so that it is not done twice."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._running: dict[tuple[str, int], subprocess.Popen[bytes]] = {}
        self._started: dict[tuple[str, int], tuple[tuple[int, str], float]] = {}  # for what, and when

    def run(self, over: threading.Event) -> None:
        """Until `over`."""
        told = ""
        while not over.wait(LOOK):
            try:
                self._look()
            except (StoreError, OSError):  # the ledger is away, which the dispatcher reports; or the disk is full
                pass
            except Exception as error:  # of one preview: all else that the server does goes on
                if told != (told := f"previews: {type(error).__name__}: {error}"):
                    self._ctx.reporter.note(told)

    def _look(self) -> None:
        self._running = {key: process for key, process in self._running.items() if process.poll() is None}
        now, found = time.monotonic(), to_do(self._ctx)
        for item in found:
            key, wanted = (item.app, item.number), (item.seq, item.state)
            before, at = self._started.get(key, (None, 0.0))
            if key in self._running or len(self._running) >= MOST or (wanted == before and now - at < PATIENCE):
                continue
            self._started[key] = wanted, now
            self._running[key] = self._start(item)

    def _start(self, preview: Preview) -> subprocess.Popen[bytes]:
        home, nothing = self._ctx.home, subprocess.DEVNULL
        command = own_command("--home", str(home), "worker", "--preview", f"{preview.app}/{preview.number}")
        with log_file(home).open("ab") as log:
            return subprocess.Popen(
                command, cwd="/", env=own_variables(), stdin=nothing, stdout=nothing, stderr=log, start_new_session=True
            )
