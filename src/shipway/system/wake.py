"""Wake a process on this machine that waits for work: by a FIFO, which one that wakes never waits for."""

from __future__ import annotations

import os
import select
from contextlib import suppress
from pathlib import Path


class Waiting:
    """The side that waits. Without the FIFO, such as on a full disk, it only waits."""

    def __init__(self, path: Path) -> None:
        self._file = -1
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileExistsError):
                os.mkfifo(path, 0o600)
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def wait(self, seconds: float) -> None:
        """Until it is woken, at most this long."""
        ready, _, _ = select.select([self._file] if self._file >= 0 else [], [], [], seconds)
        if ready:
            with suppress(OSError):
                os.read(self._file, 1 << 16)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def wake(path: Path) -> None:
    """Wake who waits, if anybody does."""
    with suppress(OSError):
        file = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(file, b".")
        finally:
            os.close(file)
