"""Shared code of drivers that run a container for all apps of an engine: the edge and the registry."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shipway.domain.errors import EngineError
from shipway.system import locks
from shipway.system.locks import private_folder

EDGE_IMAGE = "traefik:v3"
SHARED = "_shared"  # LABEL_APP of objects that belong to no single app; plans can't have this name


def port_taken(error: EngineError) -> bool:
    """Whether a container failed to start because another program has its port."""
    text = error.message.lower()
    return any(words in text for words in ("port is already allocated", "address already in use", "failed to bind"))


@contextmanager
def exclusive(name: str, engine: str, cancelled: threading.Event | None = None) -> Iterator[None]:
    """One at a time per container name and engine (by its address), among this user's threads and processes."""
    path = private_folder() / f"{name}-{hashlib.sha256(engine.encode()).hexdigest()[:12]}.lock"
    with locks.exclusive(path, f"{name} on {engine}", cancelled=cancelled):
        yield
