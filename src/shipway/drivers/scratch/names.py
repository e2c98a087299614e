"""Names of scratch databases: they identify the process that created them, so that orphans can be recognized."""

from __future__ import annotations

import os
import re
import secrets
import socket

from shipway.system import alive

PREFIX = "shipway_scratch"
_OWNED = re.compile(PREFIX + r"_(\d+)_([0-9a-f]{8})_(\d+)_[0-9a-f]+")


def new_name() -> str:
    """Such as shipway_scratch_4711_9f3c21aa_88123_0f3a91: at most 63 characters, PostgreSQL's limit. Without the
    identity in the middle if a process can't prove it; such a name is never an orphan's."""
    found = alive.MINE.search(alive.this_process())
    proof = f"_{found[3]}_{found[4]}" if found else ""
    return f"{PREFIX}_{os.getpid()}{proof}_{secrets.token_hex(3)}"


def is_orphan(name: str) -> bool:
    """Whether a scratch database was created by a process of this machine that has ended."""
    found = _OWNED.fullmatch(name)
    if found is None:
        return False
    return alive.is_gone(f"(process {found[1]} on {socket.gethostname()}) #{found[2]}.{found[3]}")
