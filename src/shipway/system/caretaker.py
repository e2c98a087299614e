"""Background clean-up: one process per environment on a machine stops what is on standby; others wake it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TRIES = 50  # of a tenth of a second each: the previous one may be about to end
HEARS = 0.5  # seconds between checks for a wake-up


@contextmanager
def caretaker(home: Path, name: str) -> Iterator[Callable[[float], None] | None]:
    """A function that sleeps for this many seconds, or until another process calls this function; None if another
    process has the role: that one is woken, and checks for changes. The role of a process that dies is free."""
    with open(home / f"standby-{name}.lock", "w") as file:
        for attempt in range(TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt == 0:
                    os.utime(file.fileno())
                time.sleep(0.1)
                continue
            yield _Sleeper(file.fileno())
            return
        yield None


class _Sleeper:
    def __init__(self, file: int) -> None:
        self._file, self._heard = file, os.fstat(file).st_mtime_ns

    def __call__(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            called = os.fstat(self._file).st_mtime_ns
            if called != self._heard:
                self._heard = called
                return
            time.sleep(min(left, HEARS))
