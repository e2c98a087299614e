"""Which program of this machine listens on a port, as far as this user may know."""

from __future__ import annotations

import os
import socket
from pathlib import Path

LISTEN = "0A"  # state in /proc/net/tcp
TRIED = 50  # further ports


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Whether a program could listen there now."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except OSError:
            return False
    return True


def next_free(port: int) -> int:
    """The next free port; the given one if none of the next ones is."""
    return next((item for item in range(port + 1, min(port + TRIED, 65536)) if is_free(item)), port)


def listener(port: int, proc: Path = Path("/proc")) -> str | None:
    """Name and id of the process, such as `node (process 4711)`; None if that can't be known: nothing listens, or it is
    another user's."""
    inodes = {inode for name in ("tcp", "tcp6") for inode in _sockets(proc / "net" / name, port)}
    for process in proc.glob("[0-9]*") if inodes else ():
        try:
            links = (os.readlink(item) for item in (process / "fd").iterdir())
            if any(
                link.removeprefix("socket:[").rstrip("]") in inodes for link in links if link.startswith("socket:[")
            ):
                return f"{(process / 'comm').read_text(encoding='utf-8').strip()} (process {process.name})"
        except OSError:  # it has ended, or is another user's
            continue
    return None


def _sockets(table: Path, port: int) -> set[str]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:  # another system than Linux
        return set()
    fields = (line.split() for line in lines)
    return {item[9] for item in fields if item[3] == LISTEN and int(item[1].rpartition(":")[2], 16) == port}
