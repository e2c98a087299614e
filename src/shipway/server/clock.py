"""What is due by the clock: jobs, backups, certificates and purges, as `shipway tick` does it."""

from __future__ import annotations

import subprocess
import threading
import time
from pathlib import Path

from shipway.context import Context
from shipway.server.dispatcher import log_folder
from shipway.system.background import own_command, own_variables

EVERY = 60.0  # seconds; schedules have minutes
LOOK = 0.5  # seconds between looks whether a process has ended
PARTS = ("jobs", "backups")  # a backup may take long, and keeps no job waiting


class Clock:
    """Starts `shipway tick` once a minute, as processes of their own: they go on if this one ends. While one of them
    still works, no second one is started."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._told: dict[str, str] = {}

    def run(self, over: threading.Event) -> None:
        """Until `over`."""
        due = dict.fromkeys(PARTS, time.monotonic())
        while not over.is_set():
            for part in PARTS:
                try:
                    self._fetch(part)
                    if part not in self._running and time.monotonic() >= due[part]:
                        due[part] = time.monotonic() + EVERY - time.time() % EVERY  # with the minute: jobs are due then
                        self._start(part)
                except OSError as error:  # such as a full disk
                    self._tell(part, f"can't be started: {error}")
            over.wait(LOOK)

    def _start(self, part: str) -> None:
        command = own_command("--home", str(self._ctx.home), "tick", "--only", part)
        with self._log(part).open("wb") as log:
            self._running[part] = subprocess.Popen(
                command, cwd="/", env=own_variables(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def _fetch(self, part: str) -> None:
        """What one that has ended has printed: nothing, if there was nothing to do."""
        process = self._running.get(part)
        if process is not None and process.poll() is not None:
            del self._running[part]
            self._tell(part, self._log(part).read_text(encoding="utf-8", errors="replace"))

    def _tell(self, part: str, text: str) -> None:
        """Once: what fails each minute in the same way needs no more lines."""
        if text != self._told.get(part):
            self._told[part] = text
            for line in text.splitlines():
                self._ctx.reporter.note(f"tick: {line}")

    def _log(self, part: str) -> Path:
        return log_folder(self._ctx.home) / f"tick-{part}.log"
