"""Run a command in its own process group, so that none of its processes is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Completed:
    """Exit code (124 after a timeout, as of timeout(1)) and output: stdout and stderr together."""

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
) -> Completed:
    """Run to the end, passing on lines as they arrive. The group is killed after `timeout` seconds, when `cancelled` is
    set, and when the caller is interrupted."""
    process = subprocess.Popen(
        args, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    done, late = threading.Event(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(process, timeout, cancelled, done, late), daemon=True)
    watcher.start()
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if on_line:
                on_line(lines[-1])
        code = process.wait()
        return Completed(124 if late.is_set() else code, "\n".join(lines))
    finally:
        done.set()
        _kill(process)
        process.wait()
        if process.stdout:
            process.stdout.close()
        watcher.join()


def _watch(
    process: subprocess.Popen[str], timeout: float | None, cancelled: threading.Event | None,
    done: threading.Event, late: threading.Event,
) -> None:  # fmt: skip
    waited = 0.0
    while not done.wait(0.1):
        waited += 0.1
        if timeout is not None and waited >= timeout:
            late.set()
        if late.is_set() or (cancelled and cancelled.is_set()):
            _kill(process)
            return


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill the whole group: a background child outlives the command and keeps its output open."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
