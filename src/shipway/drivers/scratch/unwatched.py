"""For databases that don't report their locks, and whose applications' statements aren't known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipway.domain.proof import Lock
from shipway.domain.server_log import LockWait


@dataclass
class Unwatched:
    locks: Sequence[Lock] = ()
    rewrites: Sequence[str] = ()
    waits: Sequence[LockWait] = ()


@dataclass
class Unreplayed:
    statements: int = 0
    failures: Sequence[str] = ()
