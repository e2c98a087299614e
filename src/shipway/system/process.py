"""Run a command in its own process group, so that none of its processes is left behind."""

from __future__ import annotations

import codecs
import io
import math
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shipway.domain.value import dataclass

CHUNK = 1 << 16  # bytes
LARGEST = 64 << 20  # characters of output that are kept
LONGEST_LINE = 1 << 20  # characters; longer lines are split, so that memory stays bounded
TICK = 0.1  # seconds between checks of `cancelled` and the time
PAUSE = 0.005  # seconds between checks whether a command has ended that closed its output


@dataclass(frozen=True)
class Completed:
    """Exit code (124 after a timeout, as of timeout(1)) and output: the last lines of stdout and stderr together."""

    code: int
    output: str


def run(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
    on_line: Callable[[str], None] | None = None,
    cancelled: threading.Event | None = None,
    input: bytes = b"",
) -> Completed:
    """Run to the end of the command and of its output, passing on lines as they arrive. After `timeout` seconds, when
    `cancelled` is set, and when the caller is interrupted, it ends early. In any case its whole group is killed. input: what
    it can read from stdin."""
    deadline = math.inf if timeout is None else time.monotonic() + timeout

    def over() -> bool:
        return time.monotonic() >= deadline or (cancelled is not None and cancelled.is_set())

    lines = _Lines(on_line)
    with _readable(input) as stdin:
        process = subprocess.Popen(
            args,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        late = not _follow(process, lines, over) and time.monotonic() >= deadline
    finally:
        kill_group(process)
        code = process.wait()
        if process.stdout:
            process.stdout.close()
    lines.end()
    return Completed(124 if late else code, lines.text())


@contextmanager
def _readable(input: bytes) -> Iterator[Any]:
    """A file with that, which no command can keep waiting; /dev/null if it is empty."""
    if not input:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(input)
        file.seek(0)
        yield file


def kill_group(process: subprocess.Popen[Any]) -> None:
    """Kill the group whose leader the process is, if it still exists. Call it before `wait`: until then no other group can
    get its number."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _follow(process: subprocess.Popen[bytes], lines: _Lines, over: Callable[[], bool]) -> bool:
    """Read its output until all of its processes have closed it, and wait for its end; False if it is `over` before."""
    assert process.stdout is not None
    file = process.stdout.fileno()
    poll = select.poll()
    poll.register(file, select.POLLIN)
    while not over():
        if poll.poll(TICK * 1000):
            data = os.read(file, CHUNK)
            if not data:
                break
            lines.add(data)
    else:
        return False
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if over():
            return False
        time.sleep(PAUSE)
    return True


class _Lines:
    """Decodes output, passes on its lines, and keeps the last ones."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._begun = ""
        self._kept: deque[str] = deque()
        self._size = 0

    def add(self, data: bytes, *, final: bool = False) -> None:
        """Add the next part of the output."""
        *whole, self._begun = (self._begun + self._decoder.decode(data, final)).split("\n")
        if len(self._begun) > LONGEST_LINE or (final and self._begun):
            whole.append(self._begun)
            self._begun = ""
        for line in whole:
            self._kept.append(line)
            self._size += len(line) + 1
            while self._size > LARGEST:
                self._size -= len(self._kept.popleft()) + 1
            if self._on_line:
                self._on_line(line)

    def end(self) -> None:
        """Take a last line without a line end."""
        self.add(b"", final=True)

    def text(self) -> str:
        """The lines that were kept."""
        return "\n".join(self._kept)
