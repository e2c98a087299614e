"""Runs one command for somebody elsewhere, and keeps its output in a file until they have it: a process of its own, which goes on
if the server ends. Only the standard library, so that it starts at once.

    python -m shipway.server.keeper FOLDER IDLE COMMAND...

It reads the command's stdin from its own, to its end. The folder gets the file `output`, each line of which is a JSON object:
{"to": 1, "data": "…"} for what was written to stdout (1) or stderr (2), and {"exit": 3} at the end. IDLE: after so many seconds
without anybody who reads (who touches `read`) it interrupts the command; 0: never. A file `interrupt` lets it do that too.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

OUTPUT, READ, INTERRUPT, ENDED = "output", "read", "interrupt", "ended"  # files of the folder
EMPTY = "empty"  # a folder in it, where the command runs
LARGEST = 64 << 20  # bytes of output that are kept
CHUNK = 1 << 15  # bytes
TICK = 0.1  # seconds
PATIENCE = 60.0  # seconds for a command that was interrupted because its output is not read, before it is killed
FULL = "shipway: the output has more than 64 MB; the rest is not kept\n"


class Kept:
    """The file with the output."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._size, self._full = 0, False

    def add(self, to: int, data: bytes) -> None:
        """What was written; after the limit, nothing."""
        if self._full:
            return
        if self._size > LARGEST:
            self._full, to, data = True, 2, FULL.encode()
        self.write({"to": to, "data": data.decode("utf-8", "surrogateescape")})

    def write(self, what: object) -> None:
        """A line."""
        line = (json.dumps(what) + "\n").encode()
        self._size += len(line)
        try:
            while line:
                line = line[os.write(self._file, line) :]
        except OSError:  # a full disk must not stop the command
            self._full = True


def keep(folder: Path, idle: float, command: list[str]) -> None:
    """Run it to its end."""
    kept = Kept(folder / OUTPUT)
    with tempfile.TemporaryFile() as given:
        while part := os.read(0, CHUNK):
            given.write(part)
        given.seek(0)
        process = subprocess.Popen(
            command,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder / EMPTY,
            start_new_session=True,
        )
    assert process.stdout is not None
    assert process.stderr is not None
    looks = Looks(folder, idle, process)
    with selectors.DefaultSelector() as found:
        for to, stream in enumerate((process.stdout, process.stderr), 1):
            found.register(stream.fileno(), selectors.EVENT_READ, to)
        while process.poll() is None or found.select(0):  # what it left in the background may keep the streams open
            if not found.get_map():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(TICK)
            for key, _ in found.select(TICK) if found.get_map() else ():
                if data := os.read(key.fd, CHUNK):
                    kept.add(key.data, data)
                else:
                    found.unregister(key.fd)
            looks.look()
    code = process.returncode
    kept.write({"exit": code if code >= 0 else 128 - code})
    (folder / ENDED).touch(0o600)


class Looks:
    """What others want of the command."""

    def __init__(self, folder: Path, idle: float, process: subprocess.Popen[bytes]) -> None:
        self._folder, self._idle, self._process = folder, idle, process
        self._last = self._alone = 0.0

    def look(self) -> None:
        """Interrupt it if somebody asks for that, or if what it writes is not read."""
        now = time.monotonic()
        if now - self._last < TICK:
            return
        self._last = now
        with suppress(FileNotFoundError):
            (self._folder / INTERRUPT).unlink()
            self._process.send_signal(signal.SIGINT)
        if not self._idle or time.time() - (self._folder / READ).stat().st_mtime < self._idle:
            return
        if not self._alone:
            self._alone = now
            self._process.send_signal(signal.SIGINT)
        elif now - self._alone > PATIENCE:
            self._process.kill()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
