"""Identities of processes that another process can check later: it has provably ended, or the answer is unknown."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from pathlib import Path

KERNEL = Path("/proc/sys/kernel/random/boot_id")  # differs after each start of the kernel
NAMESPACES = ("pid", "time")  # the namespaces in which a process's number and start time are valid
MINE = re.compile(r"\(process (\d{1,9}) on (.+)\) #([0-9a-f]{8})\.(\d+)$")


def this_process() -> str:
    """Such as `(process 4711 on build-1) #9f3c21aa.88123`: number and machine for people, and after `#` the provable
    identity: kernel and namespaces, and its start time. Without the latter if that can't be read."""
    words = f"(process {os.getpid()} on {socket.gethostname()})"
    where, started = _where(), _started(os.getpid())
    return f"{words} #{where}.{started}" if where and started else words


def is_gone(owner: str) -> bool:
    """Whether an owner ending in such an identity was a process of this machine that has ended. False if unknown, such
    as from another container on the same machine, even with the same name."""
    found = MINE.search(owner)
    if found is None or found[2] != socket.gethostname() or found[3] != _where():
        return False
    try:
        os.kill(int(found[1]), 0)  # /proc may hide the processes of others
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    started = _started(int(found[1]))
    return started is not None and started != found[4]  # its number belongs to another process now


def _where() -> str | None:
    """A short identity of this start of the kernel and this process's namespaces; None if /proc doesn't show it, or
    shows other processes."""
    try:
        if os.readlink("/proc/self") != str(os.getpid()):
            return None
        parts = [
            KERNEL.read_text(encoding="utf-8", errors="replace"),
            *(os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES),
        ]
    except OSError:
        return None
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def _started(number: int) -> str | None:
    """A process's start time in kernel ticks since boot; None if it isn't visible."""
    try:
        line = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return line.rpartition(")")[2].split()[19]  # after its name, which may contain anything
