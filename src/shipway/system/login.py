"""Who the operating system says that this process is."""

from __future__ import annotations

import os
import pwd
import socket


def login() -> str:
    """User and machine, such as ada@laptop: by the process's user id, which variables can't change."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
