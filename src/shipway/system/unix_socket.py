"""Connect to a unix socket."""

from __future__ import annotations

import socket
from pathlib import Path


def connect_unix(path: str | Path, timeout: float) -> socket.socket:
    """Connect within `timeout` seconds, which then apply to each call of the socket. OSError if nothing listens there."""
    found = socket.socket(socket.AF_UNIX)
    try:
        found.settimeout(timeout)
        found.connect(str(path))
    except BaseException:
        found.close()
        raise
    return found
