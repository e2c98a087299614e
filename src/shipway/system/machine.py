"""The identity of this machine, independent of its name."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def machine_id(home: Path) -> str:
    """A digest of the system's own id; without one, as in many containers, a random one stored in the home."""
    for file in FILES:
        try:
            text = file.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            continue
        if re.fullmatch("[0-9a-f]{32}", text):
            return hashlib.sha256(f"shipway {text}".encode()).hexdigest()[:32]
    file = home / "machine"
    if not file.exists():
        made = home / f"machine.{os.getpid()}"
        made.write_text(secrets.token_hex(16), encoding="utf-8")
        try:
            os.link(made, file)  # unlike a rename, it never replaces another process's file
        except FileExistsError:
            pass
        made.unlink()
    return file.read_text(encoding="utf-8").strip()
