"""Background clean-up: one process per environment on a machine stops what is on standby; others wake it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRIES = 50  # a tenth of a second apart: the other process may be about to end
HEARS = 0.5  # seconds between checks for a wake-up


@contextmanager
def caretaker(home: Path, name: str) -> Iterator[Sleeper | None]:
    """Make this process the only clean-up of that name; None if another process is, which is woken up instead, to look for
    changes. The name is released when the process ends."""
    with open(home / f"standby-{name}.lock", "w", encoding="utf-8") as file:
        for attempt in range(TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if attempt == 0:
                    os.utime(file.fileno())
                time.sleep(0.1)
                continue
            yield Sleeper(file.fileno())
            return
        yield None


class Sleeper:
    """Sleeps until another process wakes it up."""

    def __init__(self, file: int) -> None:
        self._file, self._heard = file, os.fstat(file).st_mtime_ns

    def called(self) -> bool:
        """Whether another process woke this one up since the last call."""
        before, self._heard = self._heard, os.fstat(self._file).st_mtime_ns
        return before != self._heard

    def sleep(self, seconds: float) -> None:
        """Sleep at most this many seconds."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.called():
            time.sleep(min(left, HEARS))
