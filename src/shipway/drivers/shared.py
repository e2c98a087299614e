"""What the drivers have in common that run a container for all apps of an engine: the edge and the registry."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.errors import EngineError

SHARED = "_shared"  # LABEL_APP of what belongs to no single app; no plan may have this name


def port_taken(error: EngineError) -> bool:
    """Whether a container could not be started because another program has its port."""
    text = error.message.lower()
    return any(words in text for words in ("port is already allocated", "address already in use", "failed to bind"))


@contextmanager
def exclusive(name: str, engine: str) -> Iterator[None]:
    """One at a time for a container's name on an engine (by its address), among all threads and processes of this
    machine; a process that dies gives it back."""
    path = os.path.join(tempfile.gettempdir(), f"{name}-{hashlib.sha256(engine.encode()).hexdigest()[:12]}.lock")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except PermissionError:  # another user's: in a shared folder it may be opened, but not with O_CREAT
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
