"""A process that has loaded everything and waits for a push to work on: the start of Python takes longer than all else that
happens between a push and its first step."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import shipway
from shipway.system.background import own_command, own_variables

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
        self._version = _version()
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
            if process.poll() is None and self._version == _version():
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


def _version() -> float:
    """Changes when Shipway is updated."""
    try:
        return Path(str(shipway.__file__)).stat().st_mtime
    except OSError:
        return 0.0


def _end(process: subprocess.Popen[bytes]) -> None:
    """It has no push: it may be killed at any time."""
    if process.stdin is not None:
        try:
            process.stdin.close()
        except OSError:
            pass
    process.kill()
    process.wait()
