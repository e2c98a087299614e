"""Locks between the processes of one user on this machine, out of reach of other users."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shipway.domain.errors import Interrupted, LeaseHeld, StoreError

POLL = 0.1  # seconds between attempts
WAIT = 120.0  # seconds until a waiting process gives up: longer than any work under such a lock


def private_folder() -> Path:
    """A folder of this user only: ~/.local/state/shipway, else one among the temporary files. StoreError if others can
    change it."""
    candidates = [Path(tempfile.gettempdir()) / f"shipway-{os.getuid()}"]
    with contextlib.suppress(KeyError):  # a user without an entry
        candidates.insert(0, Path(pwd.getpwuid(os.getuid()).pw_dir) / ".local" / "state" / "shipway")
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:  # a missing or read-only home
            continue
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise StoreError(f"{folder} does not belong to you", hint="remove it, or ask its owner to")
        folder.chmod(0o700)
        return folder
    raise StoreError(
        f"there is no folder for locks: {' and '.join(map(str, candidates))} can't be created",
        hint="set TMPDIR to a writable folder",
    )


@contextmanager
def exclusive(path: Path, what: str, *, wait: float = WAIT, cancelled: threading.Event | None = None) -> Iterator[None]:
    """One at a time among all threads and processes; a process that dies releases it. LeaseHeld after `wait` seconds,
    with the holder's process and start time; Interrupted once `cancelled` is set."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _take(handle, path, what, time.monotonic() + wait, cancelled)
        os.ftruncate(handle, 0)
        with contextlib.suppress(OSError):  # on a full disk the holder's name is not shown
            os.pwrite(handle, f"process {os.getpid()} since {datetime.now(UTC):%H:%M:%S} UTC".encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path, what: str, deadline: float, cancelled: threading.Event | None) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        if cancelled is not None and cancelled.is_set():
            raise Interrupted(f"interrupted while waiting for {what}")
        if time.monotonic() > deadline:
            holder = os.pread(handle, 100, 0).decode(errors="replace") or "another process"
            raise LeaseHeld(f"{what} is locked by {holder} ({path})", hint="wait for that process, or terminate it")
        time.sleep(POLL)
