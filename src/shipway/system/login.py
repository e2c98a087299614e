"""The operating system's identity of this process."""

from __future__ import annotations

import os
import pwd
import socket


def login() -> str:
    """User and machine, such as ada@laptop: from the process's user id, which variables can't change."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
