"""Starts a process for each push that is next in the queue."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from shipway.actions.deployments.waits import mark_of
from shipway.actions.environment.locks import held
from shipway.actions.runs.queue import TTL, WAKE, served
from shipway.actions.runs.waiting import due
from shipway.actions.runs.webhooks import forget_received
from shipway.context import Context
from shipway.domain.errors import LeaseHeld, StoreError
from shipway.domain.queue import Push
from shipway.domain.release import FAILED
from shipway.server.api.commands import tidy
from shipway.server.spare import Spare, SpareHook
from shipway.system.background import own_command, own_variables
from shipway.system.machine import machine_id
from shipway.system.wake import Waiting

PAUSE = 0.1  # seconds between looks at the queue
AGAIN = 1.0  # seconds before it is tried again to work on it
CLAIMS = 10  # of one push, at most
KEPT = 90 * 86400.0  # seconds that pushes and their events are kept
DAY = 86400.0
WAITING = 1.0  # seconds between looks at the deployments that wait
PATIENCE = 10.0  # seconds before another process is started for one of them for which nothing was decided since


class Dispatcher:
    """Works on the queue of this machine, with at most `at_once` pushes at a time, and on deployments that wait. Each is worked
    on by a process of its own, which goes on if this one ends, and is not started twice by the next one."""

    def __init__(self, ctx: Context, at_once: int) -> None:
        self._ctx, self._at_once = ctx, at_once
        self._place = machine_id(ctx.home)
        self._started: list[subprocess.Popen[bytes]] = []
        self._tidied = 0.0
        self._looked = 0.0  # at the deployments that wait
        self._judging: list[subprocess.Popen[bytes]] = []
        self._spare = Spare(ctx.home, log_file(ctx.home))
        self._hook = SpareHook(log_folder(ctx.home), log_file(ctx.home))
        self._judged: dict[int, tuple[str, float]] = {}  # for what and when a process was started for one of them

    def run(self, over: threading.Event) -> None:
        """Until `over`. While another process does this on this machine, or the ledger is away, it waits."""
        told = ""
        while not over.is_set():
            try:
                self._work(over)
            except (LeaseHeld, StoreError) as error:  # what runs goes on by itself
                what = "waiting" if isinstance(error, LeaseHeld) else "the ledger does not answer"
                if told != (told := f"{what}: {error.message}"):
                    self._ctx.reporter.note(told)
                over.wait(AGAIN)

    def _work(self, over: threading.Event) -> None:
        own = replace(self._ctx, cancelled=threading.Event())  # a lost lock cancels this work, and nothing else
        waiting = Waiting(self._ctx.home / WAKE)
        with (
            closing(waiting),
            closing(self._spare),
            closing(self._hook),
            held(own, served(self._place), "works on the queue") as lock,
        ):
            while not over.is_set():
                waiting.wait(PAUSE)
                lock.check()
                self._started = [process for process in self._started if process.poll() is None]
                while self._free() and (push := self._claim()):
                    self._start(push)
                if self._at_once > 0:
                    self._spare.keep()
                    self._hook.keep()
                self._waiting()
                self._tidy()

    def _claim(self) -> Push | None:
        return self._ctx.ledger.claim_push(self._place, (self._place, ""), TTL)

    def _free(self) -> bool:
        if len(self._started) >= self._at_once:
            return False
        now = self._ctx.ledger.now()
        running = [
            push for push in self._ctx.ledger.pushes(1000, open=True) if push.worker == self._place and push.until > now
        ]
        return len(running) < self._at_once

    def _start(self, push: Push) -> None:
        home = self._ctx.home
        if push.token > CLAIMS:  # those of its branch that follow are not to wait for ever
            why = f"its process ended {CLAIMS} times before the push did; {log_file(home)} may say why"
            self._ctx.ledger.end_push(push, FAILED, why)
            return
        process = self._spare.take(push.id, push.token)
        self._started.append(process or self._process("--push", str(push.id), "--token", str(push.token)))

    def _process(self, *given: str) -> subprocess.Popen[bytes]:
        home, nothing = self._ctx.home, subprocess.DEVNULL
        command = own_command("--home", str(home), "worker", *given)
        with open(log_file(home), "ab") as log:
            return subprocess.Popen(
                command, cwd="/", env=own_variables(), stdin=nothing, stdout=nothing, stderr=log, start_new_session=True
            )

    def _waiting(self) -> None:
        """A process for each deployment that is to be judged again; where it can't do that, the next one is started later."""
        now = time.monotonic()
        if now - self._looked < WAITING and self._looked:
            return
        self._looked = now
        self._judging = [process for process in self._judging if process.poll() is None]
        for item in due(self._ctx):
            decided = mark_of(self._ctx, item)
            before, at = self._judged.get(item.id, ("", 0.0))
            if decided != before or now - at >= PATIENCE:
                self._judged[item.id] = (decided, now)
                self._judging.append(self._process("--waiting", str(item.id)))

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied >= DAY or not self._tidied:
            self._tidied = time.monotonic()
            before = self._ctx.ledger.now() - KEPT
            self._ctx.ledger.forget_pushes(before)
            self._ctx.ledger.forget_events("", before)
            forget_received(self._ctx)
            with suppress(OSError):  # another process may do it too
                tidy(self._ctx.home)


def log_file(home: Path) -> Path:
    """Where processes write why they could not start."""
    return log_folder(home) / "worker.log"


def log_folder(home: Path) -> Path:
    """Of all that the server starts."""
    folder = home / "server"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
