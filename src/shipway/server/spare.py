"""Processes that have loaded everything and wait for a push, for its hook and to work on it: the start of Python takes longer
than all else that they do before its first step."""

from __future__ import annotations

import select
import subprocess
import sys
import time
from pathlib import Path

from shipway.system.background import own_command, own_variables
from shipway.system.installation import changed_at

IDLE = 2.0  # seconds without a push before one is started: until then the machine has other work


class Spare:
    """At most one. It reads a push and the token of its claim from stdin, and works on that as a process of its own; it ends if
    this process does."""

    def __init__(self, home: Path, log: Path) -> None:
        self._home, self._log = home, log
        self._process: subprocess.Popen[bytes] | None = None
        self._version = 0.0
        self._since = time.monotonic()

    def keep(self) -> None:
        """Start one, if there is none, and no push came lately."""
        if self._process is not None and self._process.poll() is not None:
            self._process, self._since = None, time.monotonic()
        if self._process is not None or time.monotonic() - self._since < IDLE:
            return
        self._version = changed_at()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                own_command("--home", str(self._home), "worker", "--spare"), cwd="/", env=own_variables(),
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
            )  # fmt: skip

    def take(self, push: int, token: int) -> subprocess.Popen[bytes] | None:
        """Hand the push to it; None: there is none, or only one of another version of Shipway."""
        process, self._process, self._since = self._process, None, time.monotonic()
        if process is None or process.stdin is None:
            return None
        try:
            if process.poll() is None and self._version == changed_at():
                process.stdin.write(f"{push} {token}\n".encode())
                process.stdin.close()
                return process
        except OSError:
            pass
        _end(process)
        return None

    def close(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)


class SpareHook:
    """At most one process that waits for a hook, which it works for as a process of its own. It ends if this one does."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._folder, self._log = folder, log
        self._process: subprocess.Popen[bytes] | None = None
        self._working: list[subprocess.Popen[bytes]] = []
        self._since = time.monotonic()

    def keep(self) -> None:
        """Start one, if there is none, and no push came lately."""
        if self._process is not None and _has_closed(self._process):  # stdout: a hook has come, or it has ended
            self._working.append(self._process)
            self._process, self._since = None, time.monotonic()
        self._working = [process for process in self._working if process.poll() is None]
        if self._process is not None or time.monotonic() - self._since < IDLE:
            return
        command = [sys.executable, "-m", "shipway.cli.spare_hook", str(self._folder)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd="/", env=own_variables(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def close(self) -> None:
        """End it, unless a hook has come in this moment."""
        process, self._process = self._process, None
        for stream in (process.stdin, process.stdout) if process is not None else ():
            if stream is not None:
                stream.close()


def _has_closed(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has closed its stdout, on which it prints nothing."""
    assert process.stdout is not None
    return bool(select.select([process.stdout], [], [], 0)[0])


def _end(process: subprocess.Popen[bytes]) -> None:
    """It has no push: it may be killed at any time."""
    if process.stdin is not None:
        try:
            process.stdin.close()
        except OSError:
            pass
    process.kill()
    process.wait()
